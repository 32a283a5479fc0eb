/** Aedes, sqlite3 and nothing else: a message has its PUBACK when its event is a row on the disk. */
import { Aedes } from 'aedes';
import type { EdgeEvent, EventBatch } from '@gatehouse/shared';
import { listenWith } from '../aedes-server.js';
import { openEventTable, textOfRows } from '../event-table.js';
import type { EventTableRow } from '../event-table.js';
import { serve } from '../serve.js';

export interface StoringAedesOptions {
  /** Of the database, not there yet. */
  readonly file: string;
}

interface WaitingMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** Lets Aedes answer. */
  readonly done: (error?: Error | null) => void;
}

export function run(): void {
  serve(async ({ file }: StoringAedesOptions) => {
    const table = await openEventTable(file);
    const broker = await Aedes.createBroker();
    let waiting: WaitingMessage[] = [];
    let isStoring = false;
    /** What came while rows were being stored is stored together. */
    const storeAll = async (): Promise<void> => {
      isStoring = true;
      while (waiting.length > 0) {
        const messages = waiting;
        waiting = [];
        const error = await table.insert(textOfRows(messages.map(rowOf))).then(
          () => null,
          (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason))),
        );
        for (const { done } of messages) done(error);
      }
      isStoring = false;
    };
    broker.authorizePublish = (_client, { topic, payload }, done) => {
      waiting.push({ topic, payload: Buffer.from(payload), done });
      if (!isStoring) void storeAll();
    };
    const server = await listenWith(broker);
    return {
      port: () => server.port,
      stored: () => table.count(),
      stop: async () => {
        server.close();
        await table.close();
      },
    };
  });
}

/** Nothing is checked, no hash is computed, and the first event stands for the message. */
function rowOf({ topic, payload }: WaitingMessage): EventTableRow {
  const [, , siteId = '', edgeId = ''] = topic.split('/');
  const { epoch, first, prevHash, events } = JSON.parse(payload.toString()) as Omit<EventBatch, 'events'> & {
    readonly events: readonly EdgeEvent[];
  };
  const [event] = events;
  if (event === undefined) throw new Error(`${topic}: a message without an event`);
  return {
    edgeId,
    epoch,
    seq: first,
    siteId,
    gateId: 'gateId' in event ? event.gateId : null,
    kind: event.kind,
    hash: prevHash,
    atMs: event.atMs,
    receivedAtMs: Date.now(),
    credentialId: null,
    body: JSON.stringify(event),
    origin: null,
    flags: '[]',
  };
}
