/**
 * The local control of simulated barriers: an HTTP server on the loopback interface, through which a tester or the simulators
 * send vehicles, make faults and cut the power. It exists only where barriers are simulated.
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeIssues } from '@gatehouse/shared/edge';
import type { Clock, Logger, Random } from '@gatehouse/shared/edge';
import type { z } from 'zod';
import { eventsQuerySchema, faultRequestSchema, maxControlBodyBytes, powerRequestSchema } from './control-contract.js';
import type { ControlGate } from './control-contract.js';
import { createControlRecords } from './control-records.js';
import type { SimulatedBarrier } from './driver.js';
import { vehicleOrderSchema } from './settings.js';

export interface SimulationControlOptions {
  readonly gates: ReadonlyMap<string, SimulatedBarrier>;
  /** 0 lets the system choose. */
  readonly port: number;
  /** When set, requests must carry it as a bearer token. */
  readonly token: string | undefined;
  /** Times the long polls: the real clock, not the lane's. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface SimulationControl {
  /** Resolves with the address, `http://127.0.0.1:PORT`. */
  start(): Promise<string>;
  stop(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export function createSimulationControl(options: SimulationControlOptions): SimulationControl {
  const records = createControlRecords(options.clock, options.random.hex(8));
  const stopListening: (() => void)[] = [];
  let server: Server | undefined;

  const gate = (gateId: string): SimulatedBarrier => {
    const found = options.gates.get(gateId);
    if (found === undefined) {
      throw new Refusal(404, `no simulated gate ${gateId}; there are ${[...options.gates.keys()].join(', ')}`);
    }
    return found;
  };
  const sendVehicle = (gateId: string, body: unknown): Answer => {
    const result = gate(gateId).send(parse(vehicleOrderSchema, body));
    if (!result.accepted) throw new Refusal(429, 'the queue of this lane is full');
    records.expect(result.vehicleId, gateId);
    return { status: 201, body: { vehicleId: result.vehicleId, gateId } };
  };
  const setPower = (body: unknown): Answer => {
    const { on, gateId } = parse(powerRequestSchema, body);
    for (const one of gateId === undefined ? options.gates.values() : [gate(gateId)]) one.setPower(on);
    return { status: 200, body: { on } };
  };
  const setFault = (gateId: string, body: unknown): Answer => {
    const { fault, active } = parse(faultRequestSchema, body);
    gate(gateId).setFault(fault, active);
    return { status: 200, body: { fault, active } };
  };

  const route = async (request: IncomingMessage): Promise<Answer> => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const [first, id, last] = url.pathname.split('/').slice(1).map(decode);
    const name = `${request.method ?? ''} ${first ?? ''}${id === undefined ? '' : '/:id'}${last === undefined ? '' : `/${last}`}`;
    switch (name) {
      case 'GET gates':
        return { status: 200, body: { gates: [...options.gates.values()].map(describeGate) } };
      case 'POST gates/:id/vehicles':
        return sendVehicle(id ?? '', await readBody(request));
      case 'POST gates/:id/faults':
        return setFault(id ?? '', await readBody(request));
      case 'POST power':
        return setPower(await readBody(request));
      case 'GET vehicles/:id': {
        const status = records.status(id ?? '');
        if (status === undefined) throw new Refusal(404, 'no such vehicle, or it left long ago');
        return { status: 200, body: status };
      }
      case 'GET events': {
        const { after, waitMs, limit } = parse(eventsQuerySchema, Object.fromEntries(url.searchParams));
        return { status: 200, body: await records.after(after, limit, waitMs) };
      }
      default:
        throw new Refusal(404, 'no such address');
    }
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      admit(request, options.token);
      const answer = await route(request);
      reply(response, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) options.logger.error({ error: String(error) }, 'the simulation control failed');
      const status = error instanceof Refusal ? error.status : 500;
      reply(response, { status, body: { error: error instanceof Refusal ? error.message : 'internal error' } });
    }
  };

  return {
    start() {
      for (const one of options.gates.values()) {
        stopListening.push(
          one.onHappening((happening) => {
            records.take(happening);
          }),
        );
      }
      const listening = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, (request, response) => {
        void handle(request, response);
      });
      listening.maxConnections = 64;
      server = listening;
      return new Promise((resolve, reject) => {
        listening.once('error', (error: NodeJS.ErrnoException) => {
          reject(
            error.code === 'EADDRINUSE'
              ? new Error(`simulation.control.port: ${String(options.port)} is in use on 127.0.0.1`)
              : error,
          );
        });
        listening.listen(options.port, '127.0.0.1', () => {
          resolve(`http://127.0.0.1:${String((listening.address() as AddressInfo).port)}`);
        });
      });
    },
    async stop() {
      for (const stop of stopListening.splice(0)) stop();
      records.release();
      const closing = server;
      server = undefined;
      if (closing?.listening !== true) return;
      await new Promise<void>((resolve) => {
        closing.close(() => {
          resolve();
        });
        closing.closeAllConnections();
      });
    },
  };
}

function describeGate(one: SimulatedBarrier): ControlGate {
  const { gateId, direction, queuedVehicles, vehiclesInLane } = one;
  return { gateId, direction, queuedVehicles, vehiclesInLane, faults: [...one.activeFaults] };
}

/** A web page in a browser on this machine must not be able to drive the simulation: it cannot send these headers. */
function admit(request: IncomingMessage, token: string | undefined): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (host !== '127.0.0.1' && host !== 'localhost') throw new Refusal(403, 'ask for 127.0.0.1');
  if (request.headers.origin !== undefined) throw new Refusal(403, 'not for browsers');
  if (token === undefined) return;
  const given = Buffer.from(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
  const wanted = Buffer.from(token);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new Refusal(401, 'the token is wrong');
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxControlBodyBytes) throw new Refusal(413, `more than ${String(maxControlBodyBytes)} bytes`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}

function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Refusal(400, describeIssues(result.error));
  return result.data;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, 'the address is malformed');
  }
}

function reply(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(answer.body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  // Rest of a body that was refused half-way is not worth reading.
  response.writeHead(answer.status, answer.status === 413 ? { ...headers, connection: 'close' } : headers).end(text);
}
