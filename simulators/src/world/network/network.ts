/**
 * A broker as MQTT has it, and the paths of its clients to it: sessions by client id, takeover, retained messages, last wills,
 * QoS 1. Everything about it can go wrong on command.
 */
import type { Random } from '@gatehouse/shared';
import type { Happening, MachineId } from '../happenings.js';
import type { Timeline } from '../timeline.js';
import { createChannel } from './connection.js';
import type { Channel, PacketCounts } from './connection.js';
import { createPath, noPathFaults } from './path.js';
import type { Path, PathFaults } from './path.js';

export interface NetworkPorts {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly tell: (happening: Happening) => void;
  /** One way between a machine and the broker. */
  readonly latencyMs: (machine: MachineId) => number;
  /** Whether the broker lets this client in. */
  readonly admits: (clientId: string, password: string) => boolean;
}

export interface ClientOptions {
  readonly machine: MachineId;
  readonly clientId: string;
  readonly password: string;
  /** Exact topics, or filters with `+`. */
  readonly filters: readonly string[];
  readonly will: { readonly topic: string; readonly payload: string } | null;
  onUp(): void;
  onDown(reason: string, wasRefused: boolean): void;
  onMessage(topic: string, payload: Uint8Array): void;
}

/** The client's end of one connection, from the first attempt on. */
export interface Client {
  readonly isUp: boolean;
  /** Resolves with the PUBACK. */
  publish(topic: string, payload: string, retain: boolean, timeoutMs: number): Promise<void>;
  /** Ends it in order: no will. */
  close(): void;
  /** The process died: the broker sees the connection reset, or nothing at all when the power went. */
  die(seen: boolean): void;
}

export interface Network {
  connect(options: ClientOptions): Client;
  /** The broker ends the connection of a client. */
  kick(clientId: string): void;
  path(machine: MachineId): Path;
  /** Changes what is wrong with a path, and lets both ends see what follows. */
  change(machine: MachineId, change: (faults: PathFaults) => void): void;
  healAll(): void;
  setBroker(up: boolean, keepsRetained: boolean): void;
  readonly brokerIsUp: boolean;
  readonly counts: PacketCounts;
  /** Publishes an end has not settled yet. */
  readonly unsettled: number;
}

/** Keepalive of 15 s: an end that hears nothing for half as long again gives the connection up. */
const deadAfterMs = 22_500;
const connectTimeoutMs = 10_000;
const refusalMs = 5;

interface Pending {
  readonly sentAtMs: number;
  readonly timeoutMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Connection {
  readonly options: ClientOptions;
  /** Whether it wants to hear of a topic. */
  readonly hears: (topic: string) => boolean;
  readonly path: Path;
  readonly channel: Channel;
  readonly pending: Set<Pending>;
  clientUp: boolean;
  /** The client still wants it. */
  clientOpen: boolean;
  brokerUp: boolean;
}

export function createNetwork(ports: NetworkPorts): Network {
  return new WorldNetwork(ports);
}

class WorldNetwork implements Network {
  readonly counts: PacketCounts = { delayed: 0, lost: 0, duplicated: 0, reordered: 0 };
  readonly #ports: NetworkPorts;
  readonly #paths = new Map<MachineId, Path>();
  /** Every connection that one of its ends still believes in. */
  readonly #connections = new Set<Connection>();
  /** The broker's sessions. */
  readonly #sessions = new Map<string, Connection>();
  readonly #retained = new Map<string, string>();
  #brokerUp = true;

  constructor(ports: NetworkPorts) {
    this.#ports = ports;
  }

  get brokerIsUp(): boolean {
    return this.#brokerUp;
  }

  get unsettled(): number {
    let sum = 0;
    for (const { pending } of this.#connections) sum += pending.size;
    return sum;
  }

  path(machine: MachineId): Path {
    let path = this.#paths.get(machine);
    if (path === undefined) {
      path = createPath(this.#ports.latencyMs(machine));
      this.#paths.set(machine, path);
    }
    return path;
  }

  connect(options: ClientOptions): Client {
    const { timeline, random } = this.#ports;
    const path = this.path(options.machine);
    const connection: Connection = {
      options,
      hears: remembering((topic) => options.filters.some((filter) => topicMatches(filter, topic))),
      path,
      channel: createChannel(timeline, random, path, this.counts),
      pending: new Set(),
      clientUp: false,
      clientOpen: true,
      brokerUp: false,
    };
    this.#connections.add(connection);
    if (!this.#brokerUp || path.faults.cut > 0) {
      timeline.after(refusalMs, () => {
        this.#clientEnds(connection, 'the broker cannot be reached');
      });
    } else {
      connection.channel.carry('up', () => {
        this.#onConnect(connection);
      });
      timeline.after(connectTimeoutMs, () => {
        if (connection.clientOpen && !connection.clientUp) this.#clientGivesUp(connection, 'no answer in time');
      });
    }
    return {
      get isUp() {
        return connection.clientUp;
      },
      publish: (topic, payload, retain, timeoutMs) => this.#publish(connection, topic, payload, retain, timeoutMs),
      close: () => {
        this.#close(connection, true);
      },
      die: (seen) => {
        this.#die(connection, seen);
      },
    };
  }

  kick(clientId: string): void {
    const session = this.#sessions.get(clientId);
    if (session !== undefined) this.#brokerEnds(session, 'the broker closed the connection');
  }

  change(machine: MachineId, change: (faults: PathFaults) => void): void {
    const path = this.path(machine);
    const before = { ...path.faults };
    change(path.faults);
    const { cut, heldUp, heldDown } = path.faults;
    const own = [...this.#connections].filter(({ options }) => options.machine === machine);
    for (const connection of own) {
      if (cut > 0 && before.cut === 0) this.#reset(connection);
      if (heldUp === 0 && before.heldUp > 0) connection.channel.release('up');
      if (heldDown === 0 && before.heldDown > 0) connection.channel.release('down');
      if ((heldUp > 0 && before.heldUp === 0) || (heldDown > 0 && before.heldDown === 0)) this.#watch(connection);
    }
  }

  healAll(): void {
    for (const machine of [...this.#paths.keys()]) {
      this.change(machine, (faults) => Object.assign(faults, noPathFaults()));
    }
  }

  setBroker(up: boolean, keepsRetained: boolean): void {
    this.#brokerUp = up;
    if (up) return;
    if (!keepsRetained) this.#retained.clear();
    this.#sessions.clear();
    for (const connection of [...this.#connections]) {
      connection.brokerUp = false;
      if (!connection.clientOpen) this.#forget(connection);
      // A reset needs a path to come by; behind a dead one the client finds out by itself.
      else if (connection.path.faults.heldDown === 0) this.#clientEnds(connection, 'the broker went away');
      else this.#watch(connection);
    }
  }

  // ---------------------------------------------------------------- the broker's end

  #onConnect(connection: Connection): void {
    if (!this.#brokerUp) return;
    const { clientId, password } = connection.options;
    if (!this.#ports.admits(clientId, password)) {
      connection.channel.carry('down', () => {
        this.#clientEnds(connection, 'the broker refuses the credential', true);
      });
      return;
    }
    const former = this.#sessions.get(clientId);
    if (former !== undefined) this.#brokerEnds(former, 'another client took over this client id');
    connection.brokerUp = true;
    this.#sessions.set(clientId, connection);
    connection.channel.carry('down', () => {
      if (!connection.clientOpen) return;
      connection.clientUp = true;
      connection.options.onUp();
    });
    for (const [topic, payload] of this.#retained) {
      if (connection.hears(topic)) this.#deliver(connection, topic, payload);
    }
  }

  #route(topic: string, payload: string, retain: boolean, copy = 1): void {
    if (retain) {
      if (payload === '') this.#retained.delete(topic);
      else this.#retained.set(topic, payload);
    }
    for (const session of this.#sessions.values()) {
      if (session.hears(topic)) this.#deliver(session, topic, payload, copy);
    }
  }

  #deliver(connection: Connection, topic: string, payload: string, taken = 1): void {
    const { machine } = connection.options;
    connection.channel.carryMessage('down', (given) => {
      if (!connection.clientUp) return;
      this.#ports.tell({ type: 'delivered', to: machine, topic, payload, copy: taken + given - 1 });
      connection.options.onMessage(topic, Buffer.from(payload));
    });
  }

  /** The broker gives a connection up; its client hears of it if there is a way. */
  #brokerEnds(connection: Connection, reason: string, withWill = true): void {
    if (!connection.brokerUp) return;
    connection.brokerUp = false;
    const { clientId, will } = connection.options;
    if (this.#sessions.get(clientId) === connection) this.#sessions.delete(clientId);
    if (!connection.clientOpen) this.#forget(connection);
    else if (connection.path.faults.cut > 0) this.#clientEnds(connection, reason);
    else
      connection.channel.carry('down', () => {
        this.#clientEnds(connection, reason);
      });
    if (withWill && will !== null) this.#route(will.topic, will.payload, true);
  }

  // ---------------------------------------------------------------- the client's end

  #publish(connection: Connection, topic: string, payload: string, retain: boolean, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!connection.clientUp) {
        reject(new Error('the link is down'));
        return;
      }
      const { machine } = connection.options;
      const pending: Pending = { sentAtMs: this.#ports.timeline.nowMs, timeoutMs, resolve, reject };
      connection.pending.add(pending);
      this.#ports.tell({ type: 'published', by: machine, topic, payload });
      const onItsWay = connection.channel.carryMessage('up', (copy) => {
        if (!connection.brokerUp) return;
        this.#route(topic, payload, retain, copy);
        if (copy > 1) return;
        const answered = connection.channel.carryMessage('down', () => {
          this.#settle(connection, pending, null);
        });
        if (!answered) this.#timeOut(connection, pending);
      });
      if (!onItsWay) this.#timeOut(connection, pending);
    });
  }

  /** Only what may stay without an answer is watched: a timer for each publish would cost more than the publish. */
  #timeOut(connection: Connection, pending: Pending): void {
    this.#ports.timeline.at(pending.sentAtMs + pending.timeoutMs, () => {
      this.#settle(connection, pending, 'the broker did not take the message in time');
    });
  }

  #settle(connection: Connection, pending: Pending, problem: string | null): void {
    if (!connection.pending.delete(pending)) return;
    if (problem === null) pending.resolve();
    else pending.reject(new Error(problem));
  }

  #clientEnds(connection: Connection, reason: string, wasRefused = false): void {
    if (!connection.clientOpen) return;
    this.#close(connection, false);
    connection.options.onDown(reason, wasRefused);
  }

  /** The client closes the connection by itself; the broker sees that if there is a way. */
  #clientGivesUp(connection: Connection, reason: string): void {
    connection.channel.carry('up', () => {
      this.#brokerEnds(connection, reason);
    });
    this.#clientEnds(connection, reason);
  }

  #close(connection: Connection, inOrder: boolean): void {
    if (!connection.clientOpen) return;
    connection.clientOpen = false;
    connection.clientUp = false;
    for (const pending of [...connection.pending]) this.#settle(connection, pending, 'the link went down');
    if (inOrder) {
      connection.channel.carry('up', () => {
        this.#brokerEnds(connection, 'closed', false);
      });
    }
    if (!connection.brokerUp) this.#forget(connection);
    else this.#watch(connection);
  }

  #die(connection: Connection, seen: boolean): void {
    if (!connection.clientOpen) return;
    connection.clientOpen = false;
    connection.clientUp = false;
    connection.pending.clear();
    if (!connection.brokerUp) this.#forget(connection);
    else if (seen) {
      connection.channel.carry('up', () => {
        this.#brokerEnds(connection, 'reset');
      });
      this.#watch(connection);
    } else this.#watch(connection);
  }

  // ---------------------------------------------------------------- both

  /** Cut: each end sees its connection reset. */
  #reset(connection: Connection): void {
    this.#brokerEnds(connection, 'reset');
    this.#clientEnds(connection, 'the connection was reset');
    this.#forget(connection);
  }

  /** Something keeps an end from being heard: unless it passes, the other end gives up when its keepalive has run out. */
  #watch(connection: Connection): void {
    this.#ports.timeline.after(deadAfterMs, () => {
      if (!this.#connections.has(connection)) return;
      const { heldUp, heldDown } = connection.path.faults;
      if (connection.brokerUp && (heldUp > 0 || !connection.clientOpen)) {
        this.#brokerEnds(connection, 'no sign of life', true);
      }
      if (connection.clientOpen && (heldDown > 0 || !connection.brokerUp)) {
        this.#clientGivesUp(connection, 'the broker does not answer');
      }
    });
  }

  #forget(connection: Connection): void {
    connection.channel.end();
    this.#connections.delete(connection);
  }
}

/** Topics are few, and asked for again and again. */
function remembering(answer: (topic: string) => boolean): (topic: string) => boolean {
  const known = new Map<string, boolean>();
  return (topic) => {
    let hears = known.get(topic);
    if (hears === undefined) {
      hears = answer(topic);
      known.set(topic, hears);
    }
    return hears;
  };
}

/** Whether a filter, perhaps with `+`, matches a topic. */
export function topicMatches(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (!filter.includes('+')) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  return wanted.length === levels.length && wanted.every((part, index) => part === '+' || part === levels[index]);
}
