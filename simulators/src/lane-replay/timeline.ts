/** The replay of a lane as a timeline to read. */
import type { LaneEffect, LaneEvent, LaneHappening } from '@gatehouse/edge-agent';
import type { LaneMoment } from './replay-lane.js';

/** One moment as a line: time in seconds, what kind of thing it is, and the thing. */
export function timelineLine(moment: LaneMoment): string {
  const [label, text] = labelled(moment);
  return `${(moment.atMs / 1000).toFixed(3).padStart(10)} s  ${label.padEnd(8)} ${text}`;
}

function labelled(moment: LaneMoment): readonly [string, string] {
  switch (moment.what) {
    case 'happening':
      return happening(moment.happening);
    case 'state':
      return ['state', `  ${moment.part}: ${moment.from} → ${moment.to}`];
    case 'event':
      return ['EVENT', `    ${event(moment.event)}`];
    case 'effect':
      return ['asks', `    ${effect(moment.effect)}`];
    case 'dropped':
      return ['missing', `${String(moment.lines)} lines could not be recorded here: what follows may be told wrongly`];
  }
}

function happening(what: LaneHappening): readonly [string, string] {
  switch (what.type) {
    case 'started': {
      const active = [...what.levels].filter(([, isActive]) => isActive).map(([input]) => input);
      const wired = [...what.levels.keys()].join(', ');
      return ['start', `mode ${what.mode}; wired: ${wired}; active: ${active.join(', ') || 'none'}`];
    }
    case 'edge':
      return ['input', `${what.input} ${what.active ? 'on' : 'off'}`];
    case 'read': {
      const { kind, value, source, confidence } = what.credential;
      const lateMs = Math.round(what.atMs - what.readAtMs);
      const late = lateMs > 0 ? `, heard ${String(lateMs)} ms later` : '';
      const way = what.direction === undefined ? '' : `, of the ${what.direction}`;
      return ['read', `${kind} ${value} from ${source}${way}, confidence ${confidence.toFixed(2)}${late}`];
    }
    case 'decision':
      return ['answer', `arrival ${String(what.arrivalId)}: ${what.outcome} (${what.reason ?? what.basis})`];
    case 'local-choice': {
      const why = what.choice.outcome === 'admit' ? what.choice.basis : what.choice.reason;
      return ['answer', `arrival ${String(what.arrivalId)}: ${what.choice.outcome}, by the edge alone (${why})`];
    }
    case 'admission-recorded':
      return ['answer', `arrival ${String(what.arrivalId)}: the admission is stored`];
    case 'admission-failed':
      return ['answer', `arrival ${String(what.arrivalId)}: the admission could not be stored`];
    case 'command':
      return ['command', `${what.kind} by ${what.by}`];
    case 'trouble':
      return ['driver', `failed: ${what.detail}`];
    case 'trouble-over':
      return ['driver', 'works again'];
    case 'time-passed':
      return ['time', ''];
  }
}

function event(what: LaneEvent): string {
  const { kind, ...details } = what;
  const told = Object.entries(details)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return told.length === 0 ? kind : `${kind}: ${told.join(', ')}`;
}

function effect(what: LaneEffect): string {
  switch (what.type) {
    case 'request-open':
      return 'the barrier to open';
    case 'request-close':
      return 'the barrier to close';
    case 'hold-open':
      return what.holdOpen ? 'the barrier to be held open' : 'the barrier to be held open no longer';
    case 'lamp':
      return `the lamp to be ${what.lamp}`;
    case 'text':
      return what.text === '' ? 'the sign to be empty' : `the sign to show “${what.text}”`;
    case 'ask-decision':
      return `who may decide about arrival ${String(what.arrivalId)}`;
    case 'answer-command':
      return `the command to be answered: ${what.result}${what.detail === '' ? '' : ` (${what.detail})`}`;
  }
}
