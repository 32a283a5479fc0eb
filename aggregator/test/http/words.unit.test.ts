import { describe, expect, it } from '@jest/globals';
import { refusalCodes } from '../../src/domain/refusal.js';
import { problemCatalogue } from '../../src/http/problems.js';

describe('the words of the API', () => {
  it('explain every refusal, each with a status that blames the request', () => {
    for (const code of refusalCodes) {
      expect(problemCatalogue[code].status).toBeGreaterThanOrEqual(400);
      expect(problemCatalogue[code].status).toBeLessThan(500);
    }
  });
});
