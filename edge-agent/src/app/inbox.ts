/** Messages from the aggregator: parsed at the border, handled at once, refused and counted if they cannot be read. */
import {
  ackSchema,
  allowanceSchema,
  commandSchema,
  decisionSchema,
  logRequestSchema,
  parsePayload,
} from '@gatehouse/shared/edge';
import type {
  Ack,
  Allowance,
  CentreToEdgeChannel,
  Command,
  Decision,
  Logger,
  LogRequest,
  Parsed,
} from '@gatehouse/shared/edge';
import type { Tally } from './tally.js';

export interface InboxHandlers {
  readonly ack: (ack: Ack) => void;
  readonly decision: (decision: Decision) => void;
  readonly command: (command: Command) => void;
  readonly allowance: (allowance: Allowance) => void;
  readonly logRequest: (request: LogRequest) => void;
}

/** Answers what takes a message; nothing waits in it, so nothing can pile up. */
export function createInbox(
  instance: string,
  handlers: InboxHandlers,
  tally: Tally,
  logger: Logger,
): (channel: CentreToEdgeChannel, payload: Uint8Array) => void {
  const accept = <T>(channel: CentreToEdgeChannel, parsed: Parsed<T>, handle: (value: T) => void): void => {
    if (parsed.ok) {
      handle(parsed.value);
      return;
    }
    tally.count('messagesRefused');
    logger.warn({ channel, error: parsed.error }, 'a message was refused');
  };

  return (channel, payload) => {
    switch (channel) {
      case 'acks':
        accept(channel, parsePayload(ackSchema, payload), handlers.ack);
        break;
      case 'decisions':
        accept(channel, parsePayload(decisionSchema, payload), (decision) => {
          if (decision.instance === instance) handlers.decision(decision);
          else tally.count('decisionsIgnored');
        });
        break;
      case 'commands':
        accept(channel, parsePayload(commandSchema, payload), (command) => {
          if (command.instance === instance) handlers.command(command);
          else tally.count('messagesDropped');
        });
        break;
      case 'allowance':
        accept(channel, parsePayload(allowanceSchema, payload), handlers.allowance);
        break;
      case 'log-requests':
        accept(channel, parsePayload(logRequestSchema, payload), (request) => {
          if (request.instance === instance) handlers.logRequest(request);
          else tally.count('messagesDropped');
        });
        break;
    }
  };
}
