/** An embedded broker on a free port with two edges, an auditor and an observer, for tests. */
import { silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createEmbeddedBroker, embeddedBrokerSettingsSchema } from '../../src/adapters/broker/embedded/index.js';
import type { BrokerLimits, EmbeddedBroker } from '../../src/adapters/broker/embedded/index.js';
import type { Authenticator, BrokerIdentity } from '../../src/app/ports.js';

/** The password of each is `secret-` and its user name. */
const identities: Readonly<Record<string, BrokerIdentity>> = {
  'edge-1': { kind: 'edge', siteId: 'site-a', edgeId: 'edge-1' },
  'edge-2': { kind: 'edge', siteId: 'site-a', edgeId: 'edge-2' },
  auditor: { kind: 'auditor', siteId: 'site-a' },
  observer: { kind: 'observer', siteId: 'site-a' },
};

export const authenticator: Authenticator = {
  authenticate: (username, password) => {
    const identity = Object.hasOwn(identities, username) ? identities[username] : undefined;
    return identity !== undefined && password === `secret-${username}` ? identity : null;
  },
};

export function createTestBroker(limits: Partial<BrokerLimits> = {}): EmbeddedBroker {
  return createEmbeddedBroker({
    settings: embeddedBrokerSettingsSchema.parse({ port: 0, limits }),
    authenticator,
    logger: silentLogger,
    clock: systemClock,
  });
}

export function urlOf(broker: EmbeddedBroker): string {
  const address = broker.address();
  if (address === null) throw new Error('the broker does not listen');
  return `mqtt://${address.host}:${String(address.port)}`;
}
