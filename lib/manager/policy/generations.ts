/**
 * Generations: the application as it was loaded at one time. The one that serves is replaced only by one that has proven
 * itself: it has loaded, and a first worker of it, its canary, has become ready. Else the old one serves on.
 */
import type { WorkerExit } from '../settings';
import { failedToBoot } from './boot-failures';
import type { Decision } from './decision';
import { end } from './end';
import { canFork, fork, removeSlot, staying } from './slots';
import { newSlot, type Rules, type Template, type Worker } from './state';
import { kill } from './stop-and-kill';
import { changeTemplate, FORK_PATIENCE, templateOf } from './templates';
import { describeExit, plural, seconds } from './words';

/** A template whose loading never ends reports that itself, unless its event loop stands still. */
const LATE = 5000;

/** Loads the application for the first time. */
export function loadFirst(decision: Decision): void {
  load(decision, decision.state.generation);
}

function load(decision: Decision, generation: number): void {
  const deadline = decision.now + decision.state.rules.bootTimeout;
  const template: Template = { generation, phase: 'configuring', deadline, forks: 0 };
  decision.set({ templates: [...decision.state.templates, template], newest: generation });
  decision.actions.push({ type: 'configure', generation });
}

/** The settings of a generation have been read: from now on it has the time that they give it. */
export function configured(decision: Decision, generation: number, rules: Rules): void {
  const template = templateOf(decision.state, generation);
  if (template?.phase !== 'configuring') return;
  const deadline = decision.now + rules.bootTimeout * (rules.rehearses ? 2 : 1) + LATE;
  changeTemplate(decision, generation, { phase: 'loading', deadline });
  if (!decision.state.everLoaded) decision.set({ rules });
  decision.actions.push({ type: 'load', generation });
}

/** The files as they are now become the next generation. */
export function reload(decision: Decision, why: string): void {
  const { candidate, generation, everLoaded, newest } = decision.state;
  if (!everLoaded) {
    unload(decision, generation);
    decision.set({ generation: newest + 1 });
    loadFirst(decision);
    return;
  }
  if (candidate !== null) drop(decision, candidate.generation);
  decision.set({ candidate: { generation: newest + 1, rules: null }, rolling: true, reloadAt: null });
  decision.log(
    'info',
    'replacement_started',
    `${why}: loading the application anew, then replacing ${plural(staying(decision.state).length, 'worker')}, each when a new one is ready`,
  );
  load(decision, newest + 1);
}

/** It can be forked from now on. */
export function loaded(decision: Decision, generation: number, rules: Rules): void {
  const template = templateOf(decision.state, generation);
  if (template?.phase !== 'loading') return;
  changeTemplate(decision, generation, { phase: 'loaded', deadline: null });
  if (generation === decision.state.generation) adopt(decision, rules);
  else if (generation === decision.state.candidate?.generation)
    decision.set({ candidate: { generation, rules } });
}

/** From now on these rules hold. A number of workers that signals have changed stays, unless another one is configured. */
function adopt(decision: Decision, rules: Rules): void {
  const before = decision.state.everLoaded ? decision.state.rules.workers : 0;
  decision.set({ rules, everLoaded: true });
  const change = rules.workers - before;
  for (let i = 0; i < change; i++) addSlot(decision);
  const surplus = staying(decision.state).toReversed().slice(0, Math.max(0, -change));
  for (const slot of surplus) if (staying(decision.state).length > 1) removeSlot(decision, slot);
}

export function addSlot(decision: Decision): void {
  const used = new Set(decision.state.slots.map(({ id }) => id));
  let id = 0;
  while (used.has(id)) id += 1;
  decision.set({ slots: [...decision.state.slots, newSlot(id)].sort((one, other) => one.id - other.id) });
}

/** One worker of the candidate, beside the one of that id that serves. */
export function forkCanary(decision: Decision): void {
  const { candidate, phase, workers } = decision.state;
  if (phase !== 'running' || candidate === null || candidate.rules === null) return;
  const { generation } = candidate;
  const [slot] = staying(decision.state);
  if (slot === undefined || slot.forking || workers.some((worker) => worker.generation === generation))
    return;
  if (decision.state.slots.some(({ forking }) => forking)) return;
  fork(decision, slot, generation);
}

/** The first ready worker of a candidate makes it the generation that serves. */
export function prove(decision: Decision, worker: Worker): void {
  const { candidate, generation: old } = decision.state;
  if (candidate?.rules == null || worker.generation !== candidate.generation) return;
  decision.set({ generation: candidate.generation, candidate: null });
  adopt(decision, candidate.rules);
  unload(decision, old);
  decision.actions.push({ type: 'retire', generation: old });
}

/** Whether this worker's end says something of the candidate only; then it has been dealt with. */
export function failedAsCanary(decision: Decision, worker: { generation: number }, what: string): boolean {
  const { candidate, generation } = decision.state;
  if (worker.generation === candidate?.generation) refuse(decision, what);
  return worker.generation > generation;
}

function refuse(decision: Decision, why: string): void {
  const { candidate, rules, generation } = decision.state;
  if (candidate === null) return;
  decision.log(
    'error',
    'replacement_refused',
    `The new version is not put into service: ${why}. Generation ${generation} serves on`,
  );
  if (!decision.state.everReady) failedToBoot(decision, why);
  drop(decision, candidate.generation);
  decision.set({
    candidate: null,
    rolling: false,
    refused: { generation: candidate.generation, why },
    // Without a template no worker can be started again.
    reloadAt: canFork(decision.state) ? null : decision.now + rules.restart.maxDelay,
  });
}

/** True if there was one. */
export function giveUpCandidate(decision: Decision): boolean {
  const { candidate } = decision.state;
  if (candidate === null) return false;
  drop(decision, candidate.generation);
  decision.set({ candidate: null, rolling: false });
  return true;
}

function drop(decision: Decision, generation: number): void {
  unload(decision, generation);
  for (const worker of decision.state.workers) if (worker.generation === generation) kill(decision, worker);
  decision.actions.push({ type: 'retire', generation });
}

function unload(decision: Decision, generation: number): void {
  const template = templateOf(decision.state, generation);
  if (template === undefined || template.phase === 'ending') return;
  changeTemplate(decision, generation, { phase: 'ending', deadline: null });
  decision.actions.push({ type: 'unload', generation, gently: false });
}

/** At the end of all: an application that is being loaded may tie up its ends, and a fork that is under way come to its. */
export function unloadAll(decision: Decision): void {
  const latest = decision.now + decision.state.rules.gracefulTimeout;
  for (const { generation, phase, deadline } of decision.state.templates) {
    if (phase === 'configuring' || phase === 'loading') {
      changeTemplate(decision, generation, { phase: 'ending', deadline: latest });
      decision.actions.push({ type: 'unload', generation, gently: true });
    } else if (deadline !== null) {
      changeTemplate(decision, generation, { deadline: Math.min(deadline, latest) });
    }
  }
  decision.set({ candidate: null, rolling: false, reloadAt: null });
}

export function templateExited(decision: Decision, generation: number, exit: WorkerExit, why?: string): void {
  const { candidate, phase, everLoaded } = decision.state;
  const template = templateOf(decision.state, generation);
  if (template === undefined) return;
  decision.set({ templates: decision.state.templates.filter((each) => each !== template) });
  if (phase !== 'running' || template.phase === 'ending') return;
  if (generation === candidate?.generation) {
    refuse(decision, why ?? `${describeEnd(template, exit)}`);
  } else if (!everLoaded) {
    neverLoaded(decision, template, exit, why);
  } else if (generation === decision.state.generation) {
    lost(decision, exit);
  }
}

function describeEnd({ phase }: Template, exit: WorkerExit): string {
  const how = describeExit(exit);
  if (phase === 'configuring') return `the process that reads its configuration ${how}, and had not finished`;
  return `it ${how} before ${phase === 'loading' ? 'it listened' : 'a worker of it was ready'}`;
}

/** It has said itself why it ended, if it could. */
function neverLoaded(decision: Decision, { phase }: Template, exit: WorkerExit, why?: string): void {
  const how = describeExit(exit);
  if (phase === 'configuring' && why === undefined) {
    const what = `The process that reads the configuration ${how}, and had not finished`;
    decision.log('error', 'start_failed', `${what}: no worker was started`);
  } else if (exit.code === null) {
    decision.log('error', 'start_failed', `The application ${how} before it listened: no worker was started`);
  }
  end(decision, exit.code || 1);
}

function lost(decision: Decision, exit: WorkerExit): void {
  decision.log(
    'error',
    'template_lost',
    `The template, from which workers are forked, ${describeExit(exit)}: loading the application anew`,
  );
  if (!decision.state.everReady) failedToBoot(decision, `the template ${describeExit(exit)}`);
  if (decision.state.candidate === null) reload(decision, 'Its template is lost');
}

/** Of templates that load: those that take too long. And the next try without one. */
export function enforceLoading(decision: Decision): void {
  for (const { generation, phase, deadline } of decision.state.templates) {
    if (deadline !== null && deadline <= decision.now) tooLate(decision, generation, phase);
  }
  const { reloadAt, phase } = decision.state;
  if (reloadAt !== null && reloadAt <= decision.now && phase === 'running')
    reload(decision, 'There is no template');
}

function tooLate(decision: Decision, generation: number, phase: Template['phase']): void {
  if (phase === 'loaded') {
    forksNoMore(decision, generation);
    return;
  }
  changeTemplate(decision, generation, { phase: 'ending', deadline: null });
  decision.actions.push({ type: 'unload', generation, gently: false });
  if (phase === 'ending') return;
  const within = `within ${seconds(decision.state.rules.bootTimeout)}`;
  if (decision.state.everLoaded) {
    refuse(
      decision,
      phase === 'configuring'
        ? `its configuration could not be read ${within}`
        : `it has not listened ${within}`,
    );
  } else {
    const what =
      phase === 'configuring' ? 'The configuration could not be read' : 'The application has not listened';
    decision.log('error', 'start_failed', `${what} ${within}: no worker was started`);
    end(decision, 1);
  }
}

/** Stopped by somebody, or hung: its end is that of any template that is lost. */
function forksNoMore(decision: Decision, generation: number): void {
  changeTemplate(decision, generation, { deadline: null });
  decision.log(
    'error',
    'fork_failed',
    `The template of generation ${generation} does not fork: it has not answered for ${seconds(FORK_PATIENCE)}. Killing it`,
  );
  decision.actions.push({ type: 'unload', generation, gently: false });
}
