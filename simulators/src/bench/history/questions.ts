/** What operators ask of the lists, as paths of the API. Drawn anew each time, so that no page is the one before. */
import { Buffer } from 'node:buffer';
import { instantOf } from '@gatehouse/shared';
import { keptMs, plateOf, platesSeen, vehicleIdOf } from './fill-store.js';
import type { FilledSite, History } from './fill-store.js';

export interface Question {
  readonly name: string;
  /** That the answer must have at least, in a big store and a small one alike; 0: there may be none. */
  readonly items: number;
  path(): string;
}

export interface Questions {
  readonly sessions: readonly Question[];
  readonly vehicles: readonly Question[];
  readonly records: readonly Question[];
  readonly csv: readonly Question[];
}

const dayMs = 86_400_000;
/** What a cursor of a place between two moments ends in. */
const lastId = 'f'.repeat(32);

/** @param page items of a full page: no more than the small store has for every question */
export function questionsOf(sites: readonly FilledSite[], history: History, page: number): Questions {
  const { nowMs, vehicles, sessions: stored } = history;
  const [{ siteId: firstSiteId, slots } = { siteId: '', slots: 1 }] = sites;
  const regulars = Math.floor(platesSeen(history) / 20);
  const siteId = (): string => sites[below(sites.length)]?.siteId ?? '';
  /** Not in the last days, which everybody reads. */
  const time = (from: string, before: string, days: number, keptFor: number): string => {
    const fromMs = nowMs - keptFor + below(keptFor - (days + 10) * dayMs);
    return `${from}=${instantOf(fromMs)}&${before}=${instantOf(fromMs + days * dayMs)}`;
  };
  const inTheMiddleMs = (keptFor: number): number => nowMs - keptFor / 2 - below(keptFor / 4);
  const full = (name: string, path: () => string): Question => ({ name, items: page, path });
  const perhaps = (name: string, path: () => string): Question => ({ name, items: 0, path });
  const sessions = (query: () => string) => (): string => `/api/v1/sites/${siteId()}/sessions?${query()}`;
  const paged = (query: () => string) => sessions(() => `${query()}&limit=${String(page)}`);
  const events = (query: () => string) => (): string => `/api/v1/events?${query()}&limit=${String(page)}`;
  const reviews = (site: () => string, query: string) => (): string =>
    `/api/v1/sites/${site()}/reviews?${query}&limit=${String(page)}`;
  const registered = (query: () => string) => (): string => `/api/v1/vehicles?${query()}`;
  const entered = (days: number): string => time('enteredFrom', 'enteredBefore', days, keptMs.sessions);
  const left = (days: number): string => time('exitedFrom', 'exitedBefore', days, keptMs.sessions);
  const firstSite = (): string => firstSiteId;
  return {
    sessions: [
      full(
        'newest',
        paged(() => ''),
      ),
      perhaps(
        'of a plate',
        sessions(() => `credential=${plateOf(1 + below(regulars))}&limit=5`),
      ),
      perhaps(
        'of a vehicle',
        sessions(() => `vehicleId=${vehicleIdOf(history, 1 + below(Math.min(vehicles, regulars)))}&limit=5`),
      ),
      perhaps(
        'of a slot',
        sessions(() => `slotId=s${String(1 + below(slots))}&limit=2`),
      ),
      full('open', () => `/api/v1/sites/${firstSiteId}/sessions?state=open&limit=${String(page)}`),
      full(
        'closed',
        paged(() => 'state=closed'),
      ),
      perhaps(
        'void',
        sessions(() => 'state=void&limit=1'),
      ),
      full(
        'of a gate',
        paged(() => `gateId=exit-${String(1 + below(2))}`),
      ),
      full(
        'entered in a month',
        paged(() => entered(60)),
      ),
      full(
        'left in a month',
        paged(() => left(60)),
      ),
      perhaps(
        'left in a week',
        sessions(() => `${left(7)}&limit=10`),
      ),
      full('far down', () => {
        const site = siteId();
        const place = cursor('sessions', inTheMiddleMs(keptMs.sessions), site, lastId);
        return `/api/v1/sites/${site}/sessions?limit=${String(page)}&cursor=${place}`;
      }),
    ],
    vehicles: [
      full(
        'all',
        registered(() => `limit=${String(page)}`),
      ),
      perhaps(
        'by plate',
        registered(() => `credential=${plateOf(1 + below(vehicles)).slice(0, 9)}`),
      ),
      perhaps(
        'by holder',
        registered(() => `holder=${String(1 + below(vehicles))}&limit=1`),
      ),
      perhaps(
        'blocked',
        registered(() => 'blocked=true'),
      ),
    ],
    records: [
      full(
        'events of a site',
        events(() => `siteId=${siteId()}`),
      ),
      full(
        'events of a gate',
        events(() => `siteId=${siteId()}&gateId=entry-${String(1 + below(2))}`),
      ),
      full(
        'events of an edge',
        events(() => `edgeId=${siteId()}-out`),
      ),
      full(
        'events of a kind',
        events(() => `siteId=${siteId()}&kind=vehicle-passed`),
      ),
      perhaps(
        'events of a rare kind',
        events(() => `siteId=${siteId()}&kind=fault-raised`),
      ),
      full(
        'events of a month',
        events(() => `siteId=${siteId()}&${time('receivedFrom', 'receivedBefore', 60, keptMs.events)}`),
      ),
      full(
        'events far down',
        events(() => `cursor=${cursor('events', inTheMiddleMs(keptMs.events), lastId, lastId, 1)}`),
      ),
      full('open reviews', reviews(firstSite, 'open=true')),
      perhaps('reviews of a kind', () => `/api/v1/sites/${siteId()}/reviews?kind=no-slot&limit=1`),
      perhaps('reviews', reviews(siteId, '')),
      full('audit', () => `/api/v1/audit?limit=${String(page)}`),
      perhaps('audit of a site', () => `/api/v1/audit?siteId=${siteId()}&limit=5`),
      perhaps('audit far down', () => `/api/v1/audit?limit=5&cursor=${cursor('audit', Math.floor(stored / 400))}`),
    ],
    csv: [full('of a site', () => `/api/v1/sites/${siteId()}/sessions.csv`)],
  };
}

/** As the lists of the store make them. */
function cursor(list: string, ...place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...place])).toString('base64url');
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}
