/**
 * Sends messages to edges and signs, one after the other, without holding up commits. A message that is lost here is made good by
 * the protocol: edges ask again by sending again.
 */
import type { Clock, Logger } from '@gatehouse/shared';
import type { AggregatorObserver, DropReason } from './observer.js';
import type { CentreLink } from './ports.js';
import { withinMs } from './within.js';

export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  /** Whose share of the queue it takes. */
  readonly owner: string;
  /** A waiting message with the same key is replaced by this one, where it stands. */
  readonly replaces?: string;
  readonly onPublished?: () => void;
}

export interface PublisherSettings {
  readonly maxQueuedPublishesPerEdge: number;
  readonly publishTimeoutMs: number;
}

export interface PublisherPorts {
  readonly link: CentreLink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: Pick<AggregatorObserver, 'onDropped'>;
}

export interface Publisher {
  /** Queues a message; drops it when its owner's share is full or there is no broker. Never throws. */
  publish(message: OutgoingMessage): void;
  readonly pending: number;
  /** Takes no more; resolves when all is sent, or drops the rest after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

export function createPublisher(settings: PublisherSettings, ports: PublisherPorts): Publisher {
  const { link, clock, logger } = ports;
  let queue: OutgoingMessage[] = [];
  const waitingByOwner = new Map<string, number>();
  const replaceable = new Map<string, OutgoingMessage>();
  let pumping: Promise<void> = Promise.resolve();
  let isPumping = false;
  /** Whose message is being sent. */
  let served: string | null = null;
  let isStopped = false;

  const drop = (reason: DropReason, count = 1): void => {
    for (let dropped = 0; dropped < count; dropped += 1) ports.observer.onDropped(reason);
  };

  const release = (message: OutgoingMessage): void => {
    waitingByOwner.set(message.owner, (waitingByOwner.get(message.owner) ?? 1) - 1);
    if (waitingByOwner.get(message.owner) === 0) waitingByOwner.delete(message.owner);
    if (message.replaces !== undefined && replaceable.get(message.replaces) === message) {
      replaceable.delete(message.replaces);
    }
  };

  const replace = (message: OutgoingMessage): boolean => {
    // Hardly anything waits: the key need not be looked at.
    if (message.replaces === undefined || replaceable.size === 0) return false;
    const waiting = replaceable.get(message.replaces);
    if (waiting === undefined) return false;
    queue[queue.indexOf(waiting)] = message;
    replaceable.set(message.replaces, message);
    return true;
  };

  /** What needs no waiting does not wait: nothing of its owner does, and the broker can write it out by itself. */
  const deliver = (message: OutgoingMessage): boolean => {
    if (message.retain || message.owner === served || waitingByOwner.has(message.owner)) return false;
    if (link.deliver?.(message.topic, message.payload) !== true) return false;
    message.onPublished?.();
    return true;
  };

  const send = async (message: OutgoingMessage): Promise<void> => {
    let cancel: () => void = () => undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      cancel = clock.setTimer(settings.publishTimeoutMs, () => {
        reject(new Error('the broker did not take the message in time'));
      });
    });
    try {
      await Promise.race([link.publish(message.topic, message.payload, { retain: message.retain }), timeout]);
      message.onPublished?.();
    } catch (error) {
      drop('publish-failed');
      logger.warn({ topic: message.topic, err: error }, 'a message was not published');
    } finally {
      cancel();
    }
  };

  const pump = async (): Promise<void> => {
    let next: OutgoingMessage | undefined;
    while ((next = queue.shift()) !== undefined) {
      release(next);
      served = next.owner;
      if (link.status().connected) await send(next);
      else drop('publish-failed');
    }
    served = null;
    isPumping = false;
  };

  return {
    publish(message) {
      if (isStopped) {
        drop('stopped');
        return;
      }
      if (replace(message) || deliver(message)) return;
      const waiting = waitingByOwner.get(message.owner) ?? 0;
      if (waiting >= settings.maxQueuedPublishesPerEdge) {
        drop('publish-queue-full');
        return;
      }
      queue.push(message);
      waitingByOwner.set(message.owner, waiting + 1);
      if (message.replaces !== undefined) replaceable.set(message.replaces, message);
      if (isPumping) return;
      isPumping = true;
      pumping = pump();
    },
    get pending() {
      return queue.length;
    },
    async stop(timeoutMs) {
      isStopped = true;
      await withinMs(clock, timeoutMs, pumping);
      drop('stopped', queue.length);
      queue = [];
      waitingByOwner.clear();
      replaceable.clear();
    },
  };
}
