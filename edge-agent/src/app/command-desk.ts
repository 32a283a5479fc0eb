/** Operators' commands: begun durably, run at most once, answered. */
import type { Clock, Command, EdgeEvent, Logger } from '@gatehouse/shared/edge';
import type { LaneRunner } from './lane-runner.js';
import { oneEvent } from './lane-events.js';
import { commandNoteName } from './recovery.js';
import type { EventStamp } from './draft.js';
import type { Recorder } from './recorder.js';

/** Commands remembered so that none runs twice. */
const maxRemembered = 1_000;
/** Commands that are begun and not answered, at most; more are refused. */
const maxOpen = 64;

export interface CommandDesk {
  receive(command: Command): void;
  /** A lane has carried out or refused a command. */
  answered(commandId: string, result: 'done' | 'refused', detail: string): void;
}

export function createCommandDesk(options: {
  readonly linkClock: Clock;
  readonly logger: Logger;
  readonly recorder: Recorder;
  readonly lanes: ReadonlyMap<string, LaneRunner>;
  readonly requestRestart: () => void;
  readonly stamp: () => EventStamp;
}): CommandDesk {
  const { linkClock, logger, recorder, lanes } = options;
  const remembered = new Set<string>();
  const open = new Map<string, Command>();

  const complete = (
    command: Command,
    result: 'done' | 'refused' | 'expired',
    detail: string,
    then?: () => void,
  ): void => {
    open.delete(command.id);
    const event: EdgeEvent = {
      kind: 'command-completed',
      ...options.stamp(),
      gateId: command.gateId,
      commandId: command.id,
      result,
      detail: detail.slice(0, 200),
    };
    recorder.record({
      kind: event.kind,
      event: () => event,
      loss: oneEvent,
      notes: () => new Map([[commandNoteName(command.id), null]]),
      ...(then === undefined ? {} : { recorded: then, lost: then }),
    });
  };

  const run = (command: Command): void => {
    if (linkClock.monoMs() > command.deadlineMono) {
      complete(command, 'expired', 'the deadline had passed');
    } else if (command.kind === 'restart') {
      complete(command, 'done', '', options.requestRestart);
    } else {
      lanes.get(command.gateId)?.command(command.id, command.kind, command.by);
    }
  };

  return {
    receive(command) {
      if (remembered.has(command.id)) return;
      remembered.add(command.id);
      if (remembered.size > maxRemembered) {
        const [oldest] = remembered;
        if (oldest !== undefined) remembered.delete(oldest);
      }
      logger.info({ commandId: command.id, gateId: command.gateId, kind: command.kind, by: command.by }, 'command');
      if (linkClock.monoMs() > command.deadlineMono) {
        complete(command, 'expired', 'the deadline had passed');
        return;
      }
      if (!lanes.has(command.gateId)) {
        complete(command, 'refused', 'there is no such gate here');
        return;
      }
      if (open.size >= maxOpen) {
        complete(command, 'refused', 'too many commands are open');
        return;
      }
      open.set(command.id, command);
      const begin = (): void => {
        run(command);
      };
      // On a store that takes nothing an operator can still move the arm; only the answer is lost.
      recorder.record({
        kind: 'notes',
        notes: () => new Map([[commandNoteName(command.id), command.gateId]]),
        recorded: begin,
        lost: begin,
      });
    },
    answered(commandId, result, detail) {
      const command = open.get(commandId);
      if (command !== undefined) complete(command, result, detail);
    },
  };
}
