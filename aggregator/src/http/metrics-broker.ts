/** Metrics of the broker inside the aggregator, read from it at each scrape. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

export interface BrokerCounts {
  readonly clients: number;
  /** Connections that have not shown a credential yet. */
  readonly unauthenticated: number;
  readonly connectionsTotal: number;
  readonly messagesInTotal: number;
  readonly messagesOutTotal: number;
  /** By reason. */
  readonly refusedTotal: Readonly<Record<string, number>>;
}

/** Registers them. Call once. */
export function defineBroker(registry: Registry, counts: () => BrokerCounts): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (counts: BrokerCounts) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(counts()));
      },
    });
  };
  const total = (name: string, help: string, read: (counts: BrokerCounts) => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read(counts()));
      },
    });
  };
  gauge('gatehouse_broker_clients', 'Clients of the broker inside.', (it) => it.clients);
  gauge(
    'gatehouse_broker_unauthenticated_connections',
    'Connections to the broker that have not shown a credential yet.',
    (it) => it.unauthenticated,
  );
  total('gatehouse_broker_connections_total', 'Connections to the broker.', (it) => it.connectionsTotal);
  total('gatehouse_broker_messages_received_total', 'Messages from edges.', (it) => it.messagesInTotal);
  total('gatehouse_broker_messages_sent_total', 'Messages to edges and signs.', (it) => it.messagesOutTotal);
  new Counter({
    name: 'gatehouse_broker_refused_total',
    help: 'Connections, messages and subscriptions that the broker refused, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(counts().refusedTotal)) this.inc({ reason }, count);
    },
  });
}
