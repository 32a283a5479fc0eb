/**
 * Sends log lines to the aggregator once it has asked over this connection: an older one never asks, and its broker would end the
 * connection of an edge that sends unasked. Nothing is sent while nothing is wrong and nobody asks.
 */
import type { CancelTimer, Clock, Logger, LogReport, LogRequest, Random } from '@gatehouse/shared/edge';
import { wireLimits } from '@gatehouse/shared/edge';
import type { LogLines } from './log-lines.js';
import type { EdgeLink } from './ports.js';

export interface LogReporter {
  requested(request: LogRequest): void;
  linkDown(): void;
  stop(): void;
}

export interface LogReporterPorts {
  readonly lines: LogLines;
  readonly instance: string;
  readonly link: EdgeLink;
  readonly linkClock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Warnings that come within this go out together. */
const coalesceMs = 1_000;
/** From one report that nobody waits for to the next, at least. */
const unaskedIntervalMs = 10_000;
/** The same for somebody who waits. */
const askedIntervalMs = 250;
/** The brackets around the lines, and the instance. */
const envelopeBytes = 256;

export function createLogReporter(ports: LogReporterPorts): LogReporter {
  const { lines, link, linkClock, random } = ports;
  /** Changes with each request and each end of the link: what was sent before does not count any more. Undefined: not asked. */
  let asking: symbol | undefined;
  let sentUpTo = 0;
  let mustAnswer = false;
  let isSending = false;
  let lastSentMs = -Infinity;
  let due: { readonly atMs: number; readonly cancel: CancelTimer } | undefined;

  const sendAt = (atMs: number): void => {
    if (due !== undefined && due.atMs <= atMs) return;
    due?.cancel();
    due = { atMs, cancel: linkClock.setTimer(atMs - linkClock.monoMs(), send) };
  };
  const sendUnasked = (delayMs: number): void => {
    sendAt(Math.max(linkClock.monoMs() + delayMs, lastSentMs + unaskedIntervalMs));
  };
  const sendAsked = (): void => {
    sendAt(Math.max(linkClock.monoMs(), lastSentMs + askedIntervalMs));
  };

  const send = (): void => {
    due = undefined;
    const forWhom = asking;
    if (forWhom === undefined || isSending || !link.isUp) return;
    const { lines: told, more } = lines.after(sentUpTo, wireLimits.maxLogReportBytes - envelopeBytes);
    if (told.length === 0 && !mustAnswer) return;
    isSending = true;
    lastSentMs = linkClock.monoMs();
    const report: LogReport = { instance: ports.instance, lines: [...told], more };
    link
      .publish('log', JSON.stringify(report))
      .then(
        () => {
          if (asking !== forWhom) return;
          sentUpTo = told.at(-1)?.number ?? sentUpTo;
          mustAnswer &&= more;
        },
        (error: unknown) => {
          ports.logger.debug({ error: String(error) }, 'a report of log lines was not taken');
        },
      )
      .finally(() => {
        isSending = false;
        goOn();
      });
  };

  /** What came meanwhile, did not fit, or was not taken. */
  const goOn = (): void => {
    if (asking === undefined) return;
    if (mustAnswer) sendAsked();
    else if (lines.hasTroubleAfter(sentUpTo)) sendUnasked(coalesceMs);
  };

  lines.onTrouble(() => {
    if (asking !== undefined) sendUnasked(coalesceMs);
  });

  const forget = (): void => {
    asking = undefined;
    mustAnswer = false;
    due?.cancel();
    due = undefined;
  };
  return {
    requested({ after, now }) {
      asking = Symbol('asking');
      sentUpTo = Math.min(after, lines.lastNumber);
      mustAnswer ||= now;
      // Many edges are asked at once when an aggregator comes back: they must not answer at once.
      if (mustAnswer) sendAsked();
      else if (lines.hasTroubleAfter(sentUpTo)) sendUnasked(coalesceMs + random.next() * unaskedIntervalMs);
    },
    linkDown: forget,
    stop: forget,
  };
}
