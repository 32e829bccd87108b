/**
 * What the manager decides: a pure function from a state and an event to the next state and what is to be done about it.
 * It knows no process, clock or chance; the driver (../manager/driver.ts) tells it of all three. Times are in milliseconds.
 */
export type { Action, Loss } from './actions';
export { decide } from './decide';
export type { Event, ManagerSignal, Reading } from './events';
export { type HandedState, handedState, stateFrom } from './handed-state';
export { checkInterval, MIN_HANG_TIMEOUT, REPORT_TIME } from './health-checks';
export { nextDeadline } from './next-deadline';
export { staying } from './slots';
export { initialState, type Rules, type State, type Worker } from './state';
