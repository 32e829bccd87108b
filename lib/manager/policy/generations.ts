/**
 * Generations: the application as it was loaded at one time. The one that serves is replaced only by one that has proven
 * itself: it has loaded, and a first worker of it, its canary, has become ready. Else the old one serves on.
 */
import type { WorkerExit } from '../settings';
import { end } from './end';
import { canFork, fork, removeSlot, staying } from './slots';
import { newSlot, type Rules, type State, type Template, type Worker } from './state';
import { kill } from './stop-and-kill';
import type { Turn } from './turn';
import { describeExit, plural, seconds } from './words';

/** A template whose loading never ends reports that itself, unless its event loop stands still. */
const LATE = 5000;

/** Loads the application for the first time. */
export function loadFirst(turn: Turn): void {
  load(turn, turn.state.generation);
}

function load(turn: Turn, generation: number): void {
  const { bootTimeout, rehearses } = turn.state.rules;
  const deadline = turn.now + bootTimeout * (rehearses ? 2 : 1) + LATE;
  const template: Template = { generation, phase: 'loading', deadline };
  turn.set({ templates: [...turn.state.templates, template], newest: generation });
  turn.actions.push({ type: 'load', generation });
}

/** The settings of a generation that is being loaded have been read: from now on it has the time that they give it. */
export function configured(turn: Turn, generation: number, rules: Rules): void {
  const template = templateOf(turn.state, generation);
  if (template?.phase !== 'loading') return;
  const deadline = turn.now + rules.bootTimeout * (rules.rehearses ? 2 : 1) + LATE;
  changeTemplate(turn, generation, { deadline });
  if (!turn.state.everLoaded) turn.set({ rules });
}

/** The files as they are now become the next generation. */
export function reload(turn: Turn, why: string): void {
  const { candidate, generation, everLoaded, newest } = turn.state;
  if (!everLoaded) {
    unload(turn, generation);
    turn.set({ generation: newest + 1 });
    loadFirst(turn);
    return;
  }
  if (candidate !== null) drop(turn, candidate.generation);
  turn.set({ candidate: { generation: newest + 1, rules: null }, rolling: true, reloadAt: null });
  turn.log(
    'info',
    'replacement_started',
    `${why}: loading the application anew, then replacing ${plural(staying(turn.state).length, 'worker')}, each when a new one is ready`,
  );
  load(turn, newest + 1);
}

/** It can be forked from now on. */
export function loaded(turn: Turn, generation: number, rules: Rules): void {
  const template = templateOf(turn.state, generation);
  if (template?.phase !== 'loading') return;
  changeTemplate(turn, generation, { phase: 'loaded', deadline: null });
  if (generation === turn.state.generation) adopt(turn, rules);
  else if (generation === turn.state.candidate?.generation) turn.set({ candidate: { generation, rules } });
}

/** From now on these rules hold. A number of workers that signals have changed stays, unless another one is configured. */
function adopt(turn: Turn, rules: Rules): void {
  const before = turn.state.everLoaded ? turn.state.rules.workers : 0;
  turn.set({ rules, everLoaded: true });
  const change = rules.workers - before;
  for (let i = 0; i < change; i++) addSlot(turn);
  const surplus = staying(turn.state).toReversed().slice(0, Math.max(0, -change));
  for (const slot of surplus) if (staying(turn.state).length > 1) removeSlot(turn, slot);
}

export function addSlot(turn: Turn): void {
  const used = new Set(turn.state.slots.map(({ id }) => id));
  let id = 0;
  while (used.has(id)) id += 1;
  turn.set({ slots: [...turn.state.slots, newSlot(id)].sort((one, other) => one.id - other.id) });
}

/** One worker of the candidate, beside the one of that id that serves. */
export function forkCanary(turn: Turn): void {
  const { candidate, phase, workers } = turn.state;
  if (phase !== 'running' || candidate === null || candidate.rules === null) return;
  const { generation } = candidate;
  const [slot] = staying(turn.state);
  if (slot === undefined || slot.forking || workers.some((worker) => worker.generation === generation))
    return;
  if (turn.state.slots.some(({ forking }) => forking)) return;
  fork(turn, slot, generation);
}

/** The first ready worker of a candidate makes it the generation that serves. */
export function prove(turn: Turn, worker: Worker): void {
  const { candidate, generation: old } = turn.state;
  if (candidate?.rules == null || worker.generation !== candidate.generation) return;
  turn.set({ generation: candidate.generation, candidate: null });
  adopt(turn, candidate.rules);
  unload(turn, old);
  turn.actions.push({ type: 'retire', generation: old });
}

/** Whether this worker's end says something of the candidate only; then it has been dealt with. */
export function failedAsCanary(turn: Turn, worker: { generation: number }, what: string): boolean {
  const { candidate, generation } = turn.state;
  if (worker.generation === candidate?.generation) refuse(turn, what);
  return worker.generation > generation;
}

function refuse(turn: Turn, why: string): void {
  const { candidate, rules, generation } = turn.state;
  if (candidate === null) return;
  turn.log(
    'error',
    'replacement_refused',
    `The application as it is now is not put into service: ${why}. Generation ${generation} serves on`,
  );
  drop(turn, candidate.generation);
  turn.set({
    candidate: null,
    rolling: false,
    // Without a template no worker can be started again.
    reloadAt: canFork(turn.state) ? null : turn.now + rules.restart.maxDelay,
  });
}

function drop(turn: Turn, generation: number): void {
  unload(turn, generation);
  for (const worker of turn.state.workers) if (worker.generation === generation) kill(turn, worker);
  turn.actions.push({ type: 'retire', generation });
}

function unload(turn: Turn, generation: number): void {
  const template = templateOf(turn.state, generation);
  if (template === undefined || template.phase === 'ending') return;
  changeTemplate(turn, generation, { phase: 'ending', deadline: null });
  turn.actions.push({ type: 'unload', generation, gently: false });
}

/** At the end of all: an application that is being loaded may tie up its ends. */
export function unloadAll(turn: Turn): void {
  for (const { generation, phase } of turn.state.templates) {
    if (phase !== 'loading') continue;
    const deadline = turn.now + turn.state.rules.gracefulTimeout;
    changeTemplate(turn, generation, { phase: 'ending', deadline });
    turn.actions.push({ type: 'unload', generation, gently: true });
  }
  turn.set({ candidate: null, rolling: false, reloadAt: null });
}

export function templateExited(turn: Turn, generation: number, exit: WorkerExit): void {
  const { candidate, phase, everLoaded } = turn.state;
  const template = templateOf(turn.state, generation);
  if (template === undefined) return;
  turn.set({ templates: turn.state.templates.filter((each) => each !== template) });
  if (phase !== 'running' || template.phase === 'ending') return;
  if (generation === candidate?.generation) {
    refuse(
      turn,
      `it ${describeExit(exit)} before ${template.phase === 'loading' ? 'it listened' : 'a worker of it was ready'}`,
    );
  } else if (!everLoaded) {
    neverLoaded(turn, exit);
  } else if (generation === turn.state.generation) {
    lost(turn, exit);
  }
}

/** It has said itself why it ended, if it could. */
function neverLoaded(turn: Turn, exit: WorkerExit): void {
  if (exit.code === null) {
    turn.log(
      'error',
      'start_failed',
      `The application ${describeExit(exit)} before it listened: no worker was started`,
    );
  }
  end(turn, exit.code || 1);
}

function lost(turn: Turn, exit: WorkerExit): void {
  turn.log(
    'error',
    'template_lost',
    `The template, from which workers are forked, ${describeExit(exit)}: loading the application anew`,
  );
  if (turn.state.candidate === null) reload(turn, 'Its template is lost');
}

/** Of templates that load: those that take too long. And the next try without one. */
export function enforceLoading(turn: Turn): void {
  for (const { generation, phase, deadline } of turn.state.templates) {
    if (deadline !== null && deadline <= turn.now) tooLate(turn, generation, phase);
  }
  const { reloadAt, phase } = turn.state;
  if (reloadAt !== null && reloadAt <= turn.now && phase === 'running') reload(turn, 'There is no template');
}

function tooLate(turn: Turn, generation: number, phase: Template['phase']): void {
  changeTemplate(turn, generation, { phase: 'ending', deadline: null });
  turn.actions.push({ type: 'unload', generation, gently: false });
  if (phase === 'ending') return;
  const what = `has not listened within ${seconds(turn.state.rules.bootTimeout)}`;
  if (turn.state.everLoaded) {
    refuse(turn, `it ${what}`);
  } else {
    turn.log('error', 'start_failed', `The application ${what}: no worker was started`);
    end(turn, 1);
  }
}

function templateOf({ templates }: State, generation: number): Template | undefined {
  return templates.find((each) => each.generation === generation);
}

function changeTemplate(turn: Turn, generation: number, changes: Partial<Template>): void {
  turn.set({
    templates: turn.state.templates.map((each) =>
      each.generation === generation ? { ...each, ...changes } : each,
    ),
  });
}
