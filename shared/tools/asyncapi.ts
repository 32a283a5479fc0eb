/**
 * The AsyncAPI 3 document of the wire, from the schemas. It describes an edge agent: what it sends and what it receives; signs
 * are the one other reader. `scripts/generate.mjs` writes it to docs/reference/asyncapi.json.
 */
import {
  ackSchema,
  allowanceSchema,
  commandSchema,
  decisionSchema,
  edgeEventKinds,
  edgeEventSchema,
  eventBatchSchema,
  futureEventSchema,
  logReportSchema,
  logRequestSchema,
  occupancySchema,
  offlineStateSchema,
  onlineStateSchema,
  slugSchema,
  wireLimits,
} from '@gatehouse/shared';
import { z } from 'zod';

type Json = Record<string, unknown>;

/** Messages of a channel, by the name of their schema. */
interface ChannelDescription {
  readonly summary: string;
  readonly description: string;
  readonly action: 'send' | 'receive';
  readonly retain: boolean;
  readonly messages: readonly MessageDescription[];
}

interface MessageDescription {
  readonly name: string;
  readonly title: string;
  /** Which fixtures of the channel are its examples, by a member that they have. */
  readonly isExample: (payload: Json) => boolean;
}

/** A golden fixture: the channel it is for, its name and its payload. */
export interface Fixture {
  readonly channel: string;
  readonly name: string;
  readonly payload: Json;
}

const always = (): boolean => true;

const channels: Readonly<Record<string, ChannelDescription>> = {
  state: {
    summary: 'The edge is there, and how it is.',
    description:
      'On connect, on every change and every 10 s. Retained. The last will of the connection is the offline message of the same instance. The aggregator answers with `acks`.',
    action: 'send',
    retain: true,
    messages: [
      { name: 'OnlineState', title: 'Online', isExample: (payload) => payload.presence === 'online' },
      { name: 'OfflineState', title: 'Offline', isExample: (payload) => payload.presence === 'offline' },
    ],
  },
  events: {
    summary: 'What happened at the gates, in order.',
    description: `Each event is in the durable outbox before it is sent, and is sent again until \`acks\` covers it. A batch holds at most ${String(wireLimits.maxBatchEvents)} events and ${String(wireLimits.maxBatchBytes)} bytes of them, one event at most ${String(wireLimits.maxEventBytes)} bytes, counted in canonical JSON.`,
    action: 'send',
    retain: false,
    messages: [
      { name: 'EventBatch', title: 'Events', isExample: (payload) => (payload.events as unknown[]).length < 10 },
    ],
  },
  acks: {
    summary: 'What the aggregator has stored.',
    description: 'Cumulative. After each commit, and in answer to every `state`. Nothing else releases events.',
    action: 'receive',
    retain: false,
    messages: [{ name: 'Ack', title: 'Acknowledgement', isExample: always }],
  },
  decisions: {
    summary: 'Whether a waiting vehicle may go in or out.',
    description: 'Sent again, unchanged, until the arrival’s terminal event is stored.',
    action: 'receive',
    retain: false,
    messages: [{ name: 'Decision', title: 'Decision', isExample: always }],
  },
  commands: {
    summary: 'What an operator wants of a gate.',
    description: 'Runs at most once, before its deadline, and is answered with a `command-completed` event.',
    action: 'receive',
    retain: false,
    messages: [{ name: 'Command', title: 'Command', isExample: always }],
  },
  allowance: {
    summary: 'Slots the edge may give out while it is cut off.',
    description: 'In answer to `state` until an `allowance-accepted` event names its version.',
    action: 'receive',
    retain: false,
    messages: [{ name: 'Allowance', title: 'Allowance', isExample: always }],
  },
  log: {
    summary: 'The last lines of the edge’s log.',
    description: `For diagnosis: lines may be lost, and nothing waits for them. Only after the aggregator has asked this instance over this connection; then soon after a warning, at most one report in 10 s, and at once when somebody waits. At most ${String(wireLimits.maxLogReportBytes)} bytes.`,
    action: 'send',
    retain: false,
    messages: [{ name: 'LogReport', title: 'Log lines', isExample: always }],
  },
  'log-requests': {
    summary: 'The aggregator wants to hear of the edge’s log.',
    description: 'Good until the connection ends. An edge may leave this channel alone.',
    action: 'receive',
    retain: false,
    messages: [{ name: 'LogRequest', title: 'Wish for log lines', isExample: always }],
  },
  occupancy: {
    summary: 'How full the site is, for signs.',
    description: 'Retained. Read with the key of an observer.',
    action: 'receive',
    retain: true,
    messages: [{ name: 'Occupancy', title: 'Occupancy', isExample: always }],
  },
};

/** The whole document. `version` is that of the programs. */
export function asyncApiDocument(version: string, fixtures: readonly Fixture[]): Json {
  return {
    asyncapi: '3.1.0',
    id: 'urn:gatehouse:wire:v1',
    info: {
      title: 'Gatehouse wire',
      version,
      description:
        'How an edge agent beside the barriers of a car park talks to the aggregator. The rules that no schema can say are in wire.md, worked sequences in wire-sequences.md.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      tags: [
        { name: 'edge', description: 'Between one edge and the aggregator.' },
        { name: 'sign', description: 'For anybody who shows how full a site is.' },
      ],
    },
    defaultContentType: 'application/json',
    servers: servers(),
    channels: mapValues(channels, channelObject),
    operations: mapValues(channels, operationObject),
    components: {
      schemas: schemas(),
      messages: Object.fromEntries(
        Object.entries(channels).flatMap(([channel, { messages }]) =>
          messages.map((message) => [message.name, messageObject(channel, message, fixtures)]),
        ),
      ),
      securitySchemes: {
        edgeCredential: {
          type: 'userPassword',
          description:
            'User name: the edge’s id. Password: the secret got by enrolment. The client id is the edge’s id too.',
        },
        key: {
          type: 'userPassword',
          description: 'User name: the id of a key. Password: the key. Reads, never publishes.',
        },
      },
    },
  };
}

function servers(): Json {
  const security = [
    { $ref: '#/components/securitySchemes/edgeCredential' },
    { $ref: '#/components/securitySchemes/key' },
  ];
  const bindings = { mqtt: { cleanSession: true, bindingVersion: '0.2.0' } };
  const common = { protocolVersion: '3.1.1', security, bindings };
  return {
    local: { host: 'localhost:1883', protocol: 'mqtt', description: 'Without TLS: on the same machine.', ...common },
    secure: {
      host: '{host}:8883',
      protocol: 'secure-mqtt',
      description: 'With TLS, as configured.',
      variables: { host: { description: 'Where the broker is.', default: 'localhost' } },
      ...common,
    },
  };
}

function channelObject(channel: string, { summary, description, messages }: ChannelDescription): Json {
  const site = { siteId: { description: `The car park. ${slugSchema.description ?? ''}` } };
  const edge = { edgeId: { description: `The edge agent. ${slugSchema.description ?? ''}` } };
  const forSigns = channel === 'occupancy';
  return {
    address: forSigns ? 'gatehouse/v1/{siteId}/occupancy' : `gatehouse/v1/{siteId}/{edgeId}/${channel}`,
    title: channel,
    summary,
    description,
    parameters: forSigns ? site : { ...site, ...edge },
    messages: Object.fromEntries(messages.map(({ name }) => [name, { $ref: `#/components/messages/${name}` }])),
  };
}

function operationObject(
  channel: string,
  { summary, description, action, retain, messages }: ChannelDescription,
): Json {
  return {
    action,
    title: `${action} ${channel}`,
    summary,
    description,
    channel: { $ref: `#/channels/${channel}` },
    messages: messages.map(({ name }) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
    tags: [{ name: channel === 'occupancy' ? 'sign' : 'edge' }],
    bindings: {
      mqtt: action === 'send' ? { qos: 1, retain, bindingVersion: '0.2.0' } : { qos: 1, bindingVersion: '0.2.0' },
    },
  };
}

function messageObject(channel: string, message: MessageDescription, fixtures: readonly Fixture[]): Json {
  const examples = fixtures.filter((fixture) => fixture.channel === channel && message.isExample(fixture.payload));
  return {
    name: message.name,
    title: message.title,
    summary: channels[channel]?.summary ?? '',
    contentType: 'application/json',
    payload: { $ref: `#/components/schemas/${message.name}` },
    examples: examples.map(({ name, payload }) => ({ name, summary: name.replaceAll('-', ' '), payload })),
  };
}

function schemas(): Json {
  const events = Object.fromEntries(
    edgeEventSchema.options.map((option) => [schemaName(option.shape.kind.value), jsonSchema(option)]),
  );
  const future = jsonSchema(futureEventSchema);
  const kindOfFuture = { ...((future.properties as Json).kind as Json), not: { enum: edgeEventKinds } };
  const batch = jsonSchema(eventBatchSchema);
  const list = (batch.properties as Json).events as Json;
  const alternatives = [...Object.keys(events), 'FutureEvent'].map((name) => ({
    $ref: `#/components/schemas/${name}`,
  }));
  return {
    OnlineState: jsonSchema(onlineStateSchema),
    OfflineState: jsonSchema(offlineStateSchema),
    EventBatch: {
      ...batch,
      properties: { ...(batch.properties as Json), events: { ...list, items: { oneOf: alternatives } } },
    },
    ...events,
    FutureEvent: { ...future, properties: { ...(future.properties as Json), kind: kindOfFuture } },
    Ack: jsonSchema(ackSchema),
    Decision: jsonSchema(decisionSchema),
    Command: jsonSchema(commandSchema),
    Allowance: jsonSchema(allowanceSchema),
    LogReport: jsonSchema(logReportSchema),
    LogRequest: jsonSchema(logRequestSchema),
    Occupancy: jsonSchema(occupancySchema),
  };
}

function jsonSchema(schema: z.ZodType): Json {
  const described = Object.entries(z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }));
  return Object.fromEntries(described.filter(([name]) => name !== '$schema'));
}

/** `vehicle-arrived` → `VehicleArrived`. */
function schemaName(kind: string): string {
  return kind.replace(/(^|-)([a-z])/g, (_match, _hyphen, letter: string) => letter.toUpperCase());
}

function mapValues<T>(record: Readonly<Record<string, T>>, map: (key: string, value: T) => Json): Json {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(key, value)]));
}
