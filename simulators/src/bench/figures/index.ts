import { byHand } from './by-hand.js';
import type { Figure } from '../figure.js';

/** In the order of the table. */
export const figures: readonly Figure[] = [byHand];
