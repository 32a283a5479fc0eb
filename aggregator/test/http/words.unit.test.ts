import { noticeKindNames, reviewKindNames, roleNames } from '@gatehouse/shared';
import { describe, expect, it } from '@jest/globals';
import { roles } from '../../src/app/ports.js';
import { refusalCodes } from '../../src/domain/refusal.js';
import { noticeKinds, reviewKinds } from '../../src/domain/rows.js';
import { problemCatalogue } from '../../src/http/problems.js';

describe('the words of the API', () => {
  it('are those of the domain', () => {
    expect(reviewKindNames).toEqual(reviewKinds);
    expect(noticeKindNames).toEqual(noticeKinds);
    expect(roleNames).toEqual(roles);
  });

  it('explain every refusal, each with a status that blames the request', () => {
    for (const code of refusalCodes) {
      expect(problemCatalogue[code].status).toBeGreaterThanOrEqual(400);
      expect(problemCatalogue[code].status).toBeLessThan(500);
    }
  });
});
