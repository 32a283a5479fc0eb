import { describe, expect, it } from '@jest/globals';
import { createMetrics } from '../../src/http/metrics.js';
import { renderedText } from './rendered-text.js';

describe('the metrics of the broker inside', () => {
  const options = { version: '1.0.0', processMetrics: false };

  it('are those of the moment of the scrape, refusals by reason', async () => {
    const metrics = createMetrics(options);
    const refusedTotal = { 'publish-topic': 0, credentials: 2 };
    const counts = { clients: 3, unauthenticated: 1, connectionsTotal: 9, messagesInTotal: 7, messagesOutTotal: 5 };
    metrics.attachBroker(() => ({ ...counts, refusedTotal }));
    await renderedText(metrics);
    refusedTotal['publish-topic'] = 4;
    const text = await renderedText(metrics);
    expect(text.split('\n').filter((line) => /^gatehouse_broker_(?!up )/.test(line))).toEqual([
      'gatehouse_broker_clients 3',
      'gatehouse_broker_unauthenticated_connections 1',
      'gatehouse_broker_connections_total 9',
      'gatehouse_broker_messages_received_total 7',
      'gatehouse_broker_messages_sent_total 5',
      'gatehouse_broker_refused_total{reason="publish-topic"} 4',
      'gatehouse_broker_refused_total{reason="credentials"} 2',
    ]);
  });

  it('are absent where the broker runs elsewhere', async () => {
    expect(await renderedText(createMetrics(options))).not.toContain('gatehouse_broker_clients');
  });
});
