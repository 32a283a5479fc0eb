/** Tells signs how full each site is: on change, retained, and not more often than the interval. */
import { occupancyTopic } from '@gatehouse/shared';
import type { CancelTimer, Clock } from '@gatehouse/shared';
import { occupancyOf } from '../domain/engine.js';
import type { SiteState } from '../domain/engine.js';
import type { Publisher } from './publisher.js';

export interface OccupancyPorts {
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly linkClock: Clock;
  site(siteId: string): SiteState | undefined;
  /** Calls `action` when what is in memory is what is stored. */
  whenStored(action: () => void): void;
}

export interface OccupancyBoard {
  /** The site may have changed. Called when what is in memory is what is stored. */
  onSite(siteId: string): void;
  stop(): void;
}

interface Sign {
  shown: string;
  shownAtMonoMs: number;
  cancel: CancelTimer | null;
}

export function createOccupancyBoard(intervalMs: number, ports: OccupancyPorts): OccupancyBoard {
  const { linkClock } = ports;
  const signs = new Map<string, Sign>();
  let isStopped = false;

  const show = (siteId: string, sign: Sign): void => {
    const site = ports.site(siteId);
    if (site === undefined || isStopped) return;
    const occupancy = occupancyOf(site, ports.clock.wallMs());
    const shown = JSON.stringify({ ...occupancy, atMs: 0 });
    if (shown === sign.shown) return;
    sign.shown = shown;
    sign.shownAtMonoMs = linkClock.monoMs();
    ports.publisher.publish({
      topic: occupancyTopic(siteId),
      payload: JSON.stringify(occupancy),
      retain: true,
      owner: `site:${siteId}`,
      replaces: `occupancy/${siteId}`,
    });
  };

  return {
    onSite(siteId) {
      const sign = signs.get(siteId) ?? { shown: '', shownAtMonoMs: -Infinity, cancel: null };
      signs.set(siteId, sign);
      if (sign.cancel !== null || isStopped) return;
      const waitMs = sign.shownAtMonoMs + intervalMs - linkClock.monoMs();
      if (!(waitMs > 0)) {
        show(siteId, sign);
        return;
      }
      sign.cancel = linkClock.setTimer(waitMs, () => {
        ports.whenStored(() => {
          sign.cancel = null;
          show(siteId, sign);
        });
      });
    },
    stop() {
      isStopped = true;
      for (const sign of signs.values()) sign.cancel?.();
    },
  };
}
