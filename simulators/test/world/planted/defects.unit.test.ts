import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promises } from '../../../src/world/auditor/index.js';
import { defects } from '../../../src/world/planted/defects.js';

const root = resolve(import.meta.dirname, '..', '..', '..', '..');

describe('planted defects', () => {
  it('are many, each with a name of its own', () => {
    expect(defects.length).toBeGreaterThanOrEqual(20);
    expect(new Set(defects.map(({ name }) => name)).size).toBe(defects.length);
  });

  it.each(defects.map((defect) => [defect.name, defect] as const))(
    '%s still fits the code it is planted in',
    (_name, defect) => {
      const sources = new Map<string, string>();
      for (const { file, find, replace } of defect.edits) {
        const source = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
        expect(source.split(find)).toHaveLength(2);
        expect(replace).not.toBe(find);
        sources.set(
          file,
          source.replace(find, () => replace),
        );
      }
    },
  );

  it.each(defects.map((defect) => [defect.name, defect] as const))(
    '%s names promises that there are',
    (_name, defect) => {
      expect(defect.promises.length).toBeGreaterThan(0);
      for (const promise of defect.promises) expect(Object.keys(promises)).toContain(promise);
    },
  );
});
