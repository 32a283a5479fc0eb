/** The worked sequences of docs/reference/wire-sequences.md: every message parses, and the hashes follow from the events. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import {
  ackSchema,
  allowanceSchema,
  commandSchema,
  decisionSchema,
  edgeEventSchema,
  eventBatchSchema,
  genesisHash,
  logReportSchema,
  logRequestSchema,
  nextHash,
  occupancySchema,
  parsePayload,
  parseTopic,
  stateSchema,
} from '../src/index.js';
import type { Ack, EdgeChannel, EventBatch } from '../src/index.js';
import { sha256 } from '../src/node/index.js';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'wire-sequences.md'), 'utf8');

const schemas: Readonly<Record<EdgeChannel, z.ZodType>> = {
  events: eventBatchSchema,
  state: stateSchema,
  acks: ackSchema,
  decisions: decisionSchema,
  commands: commandSchema,
  allowance: allowanceSchema,
  log: logReportSchema,
  'log-requests': logRequestSchema,
};

interface Message {
  readonly section: string;
  readonly direction: string;
  readonly topic: string;
  readonly text: string;
}

const messages = page.split(/^##+ /m).flatMap((part): Message[] => {
  const section = part.slice(0, part.indexOf('\n'));
  return [...part.matchAll(/^(edge|centre) → (centre|edge|signs) `([^`]+)`\n\n```json\n([\s\S]*?)\n```/gm)].map(
    (match) => ({
      section,
      direction: `${match[1] ?? ''} → ${match[2] ?? ''}`,
      topic: match[3] ?? '',
      text: match[4] ?? '',
    }),
  );
});

describe('the worked sequences', () => {
  it('tell of everything that a stranger has to get right', () => {
    expect(new Set(messages.map(({ section }) => section)).size).toBeGreaterThanOrEqual(10);
    expect(page.match(/```json/g)).toHaveLength(messages.length);
  });

  it.each(messages.map((message, index) => ({ ...message, name: `${message.section}, message ${String(index + 1)}` })))(
    '$name parses',
    ({ topic, direction, text }) => {
      const parsed = parseTopic(topic);
      if (parsed?.type === 'edge') {
        expect(parsePayload(schemas[parsed.channel], new TextEncoder().encode(text))).toMatchObject({ ok: true });
        expect(direction).toBe(['state', 'events', 'log'].includes(parsed.channel) ? 'edge → centre' : 'centre → edge');
      } else {
        expect(parsed?.type).toBe('occupancy');
        expect(parsePayload(occupancySchema, new TextEncoder().encode(text))).toMatchObject({ ok: true });
      }
    },
  );

  it('have hashes that follow from the events', () => {
    const hashes = new Map<string, string>();
    const at = (epoch: string, seq: number): string | undefined =>
      seq === 0 ? genesisHash(sha256, epoch) : hashes.get(`${epoch} ${String(seq)}`);
    let taken = 0;
    for (const { section, topic, text } of messages) {
      if (topic.endsWith('/events')) {
        const batch = JSON.parse(text) as EventBatch;
        const before = at(batch.epoch, batch.first - 1);
        // Only after a gap is the hash before the first event taken on trust.
        if (before === undefined && section === 'A gap') {
          hashes.set(`${batch.epoch} ${String(batch.first - 1)}`, batch.prevHash);
          taken += 1;
        } else {
          expect(before).toBe(batch.prevHash);
        }
        let hash = batch.prevHash;
        batch.events.forEach((event, index) => {
          const { origin } = edgeEventSchema.parse(event);
          if (origin !== undefined) expect(at(origin.epoch, origin.seq)).toBe(origin.hash);
          hash = nextHash(sha256, hash, event);
          const key = `${batch.epoch} ${String(batch.first + index)}`;
          expect(hashes.get(key) ?? hash).toBe(hash);
          hashes.set(key, hash);
        });
      }
      if (topic.endsWith('/acks')) {
        const ack = JSON.parse(text) as Ack;
        if (ack.conflict === null) expect(ack.hash).toBe(at(ack.epoch, ack.upTo));
        else expect(ack.hash).not.toBe(at(ack.epoch, ack.upTo));
      }
    }
    expect(taken).toBe(1);
  });
});
