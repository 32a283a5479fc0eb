import { createMemoryServiceManager } from '../../../src/adapters/memory/memory-service-manager.js';
import { describeServiceManager } from '../../conformance/service-manager.js';

describeServiceManager('in memory', (watchdogMs) => {
  const manager = createMemoryServiceManager(watchdogMs);
  return Promise.resolve({ manager, received: () => manager.told, remove: () => Promise.resolve() });
});
