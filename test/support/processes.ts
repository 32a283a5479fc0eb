/** Real processes for end-to-end tests: started from the built programs on free ports, killed when the test is over. */
export { deadlineMs, freePort, System, until } from '@gatehouse/simulators';
export type { SiteGate } from '@gatehouse/simulators';
