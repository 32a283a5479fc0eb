import { describe, expect, it } from '@jest/globals';
import { promises } from '../../../src/world/auditor/index.js';
import type { PromiseName } from '../../../src/world/auditor/index.js';
import { outboxCases } from './outbox-cases.js';
import { slotCases } from './slot-cases.js';
import type { Case } from './case.js';
import { storeCases } from './store-cases.js';
import { gateCases } from './gate-cases.js';
import { endCases } from './end-cases.js';
import { Story } from './story.js';

const cases: Readonly<Record<PromiseName, Case>> = {
  ...outboxCases,
  ...slotCases,
  ...storeCases,
  ...gateCases,
  ...endCases,
};

describe('the auditor, promise by promise', () => {
  it.each(Object.keys(promises) as PromiseName[])('%s: is content where it is kept', (promise) => {
    const story = new Story();
    cases[promise].kept(story);
    expect(story.auditor.findings).toEqual([]);
  });

  it.each(Object.keys(promises) as PromiseName[])('%s: is found where it is broken', (promise) => {
    const story = new Story();
    cases[promise].broken(story);
    expect(story.found).toContain(promise);
  });
});
