/** A world without people, until there are some. */
import type { CreatePeople } from './operator-desk.js';
export const createPeople: CreatePeople = () => ({ start: () => undefined, rest: () => undefined });
