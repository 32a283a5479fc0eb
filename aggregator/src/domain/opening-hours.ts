/** Whether a site is open, by its weekly hours in its own time zone. */
import { weekdays } from '@gatehouse/shared';
import type { OpeningPeriod, SiteLayout } from '@gatehouse/shared';

const minutesADay = 24 * 60;
const formats = new Map<string, Intl.DateTimeFormat>();

/** `openingHours: null` is always open. A period whose end is not after its start runs past midnight. */
export function isOpen(layout: Pick<SiteLayout, 'openingHours' | 'timeZone'>, atMs: number): boolean {
  if (layout.openingHours === null) return true;
  const now = localTime(layout.timeZone, atMs);
  return layout.openingHours.some((period) => covers(period, now));
}

interface LocalTime {
  /** 0 is Monday. */
  readonly weekday: number;
  readonly minute: number;
}

function covers(period: OpeningPeriod, now: LocalTime): boolean {
  const from = minuteOf(period.from);
  const to = minuteOf(period.to);
  const startsOn = (weekday: number): boolean => period.days.includes(weekdays[(weekday + 7) % 7] ?? 'mon');
  if (to > from) return startsOn(now.weekday) && now.minute >= from && now.minute < to;
  return (startsOn(now.weekday) && now.minute >= from) || (startsOn(now.weekday - 1) && now.minute < to);
}

function minuteOf(clockTime: string): number {
  const [hours = '0', minutes = '0'] = clockTime.split(':');
  return Math.min(Number(hours) * 60 + Number(minutes), minutesADay);
}

function localTime(timeZone: string, atMs: number): LocalTime {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const weekday = (weekdays as readonly string[]).indexOf((parts.get('weekday') ?? '').toLowerCase());
  return { weekday, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}
