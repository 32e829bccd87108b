/** The processes from which workers are forked: how many each has been asked for, and how long it may take. */
import type { Decision } from './decision';
import type { State, Template } from './state';

/** Milliseconds: longer than fork() itself, which gives up after 15 s. A template that needs more has been stopped, or hangs. */
export const FORK_PATIENCE = 20_000;

export function templateOf({ templates }: State, generation: number): Template | undefined {
  return templates.find((each) => each.generation === generation);
}

export function changeTemplate(decision: Decision, generation: number, changes: Partial<Template>): void {
  decision.set({
    templates: decision.state.templates.map((each) =>
      each.generation === generation ? { ...each, ...changes } : each,
    ),
  });
}

export function forkAsked(decision: Decision, generation: number): void {
  const template = templateOf(decision.state, generation);
  if (template === undefined) return;
  const deadline = template.deadline ?? decision.now + FORK_PATIENCE;
  changeTemplate(decision, generation, { forks: template.forks + 1, deadline });
}

/** With each answer it has shown that it lives. */
export function forkAnswered(decision: Decision, generation: number): void {
  const template = templateOf(decision.state, generation);
  if (template?.phase !== 'loaded') return;
  const forks = Math.max(0, template.forks - 1);
  changeTemplate(decision, generation, {
    forks,
    deadline: forks === 0 ? null : decision.now + FORK_PATIENCE,
  });
}
