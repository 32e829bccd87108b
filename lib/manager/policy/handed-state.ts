/** What the policy of another program goes on with, when that takes the manager's process over. */
import { initialState, type Rules, type State } from './state';

const HANDED = [
  'generation',
  'newest',
  'refused',
  'templates',
  'slots',
  'workers',
  'everReady',
  'announced',
  'restarts',
] as const;

export type HandedState = Pick<State, (typeof HANDED)[number]>;

/** What is being loaded is given up before the other program takes over; it forgets a crash loop, and may see it anew. */
export function handedState(state: State): HandedState {
  const handed = Object.fromEntries(HANDED.map((name) => [name, state[name]])) as HandedState;
  return { ...handed, templates: state.templates.filter(({ phase }) => phase === 'loaded') };
}

/** @param rules of the generation that serves; how many workers there are is in the slots */
export function stateFrom(handed: HandedState, rules: Rules): State {
  return { ...initialState(rules), everLoaded: true, ...handed };
}
