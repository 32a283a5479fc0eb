/** The one line that tells how the demonstration goes: rewritten in place on a terminal, a new one now and then elsewhere. */
import { DateTime } from 'luxon';
import type { SiteOccupancyResource } from '@gatehouse/shared';
import { demoTimeZone } from './sites.js';

export interface LiveStatus {
  readonly simulatedMs: number;
  readonly factor: number;
  readonly sites: readonly SiteOccupancyResource[];
}

export interface LiveLine {
  show(status: LiveStatus): void;
  /** Prints a sentence without tearing the line apart. */
  say(sentence: string): void;
}

export interface LineOutput {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
}

export function createLiveLine(output: LineOutput, asJson: boolean): LiveLine {
  const inPlace = output.isTTY && !asJson;
  let shown = false;
  const clear = (): void => {
    if (inPlace && shown) output.write('\r\u001b[2K');
    shown = false;
  };
  return {
    show(status) {
      if (!inPlace) {
        output.write(`${asJson ? JSON.stringify(jsonOf(status)) : lineOf(status)}\n`);
        return;
      }
      clear();
      output.write(lineOf(status).slice(0, Math.max(20, output.columns - 1)));
      shown = true;
    },
    say(sentence) {
      clear();
      output.write(`${asJson ? JSON.stringify({ message: sentence }) : sentence}\n`);
    },
  };
}

export function lineOf({ simulatedMs, factor, sites }: LiveStatus): string {
  const at = DateTime.fromMillis(simulatedMs, { zone: demoTimeZone }).toFormat('ccc HH:mm');
  const parts = sites.map(({ siteId, entriesTotal, exitsTotal, free, capacity, drift }) => {
    const signed = drift > 0 ? `+${String(drift)}` : String(drift);
    return `${siteId}: ${String(entriesTotal)} in, ${String(exitsTotal)} out, ${String(free)}/${String(capacity)} free, drift ${signed}`;
  });
  return [`${at} ×${String(factor)}`, ...parts].join(' │ ');
}

function jsonOf({ simulatedMs, factor, sites }: LiveStatus): unknown {
  return {
    at: new Date(simulatedMs).toISOString(),
    factor,
    sites: sites.map(({ siteId, entriesTotal, exitsTotal, free, capacity, vehiclesInside, drift }) => {
      return { siteId, entries: entriesTotal, exits: exitsTotal, free, capacity, vehiclesInside, drift };
    }),
  };
}
