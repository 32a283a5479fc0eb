import { backlogDrain } from './backlog-drain.js';
import { byHand } from './by-hand.js';
import { crowd } from './crowd.js';
import { decisionInACity } from './decision-in-a-city.js';
import { decisionFigure } from './decision.js';
import { edgeCost } from './edge-cost.js';
import { singleEvents } from './single-events.js';
import { largeSite } from './large-site.js';
import { memoryGrowth } from './memory-growth.js';
import { pagesUnderLoad } from './pages-under-load.js';
import { starting } from './starting.js';
import { storedHistory } from './stored-history.js';
import type { Figure } from '../figure.js';

/** In the order of the table. */
export const figures: readonly Figure[] = [
  decisionFigure,
  decisionInACity,
  singleEvents,
  backlogDrain,
  crowd,
  storedHistory,
  largeSite,
  byHand,
  starting,
  edgeCost,
  memoryGrowth,
  pagesUnderLoad,
];
