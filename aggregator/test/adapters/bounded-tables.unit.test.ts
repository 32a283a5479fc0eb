import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { rowTables } from '../../src/adapters/store/tables.js';
import { aggregatorSettingsSchema } from '../../src/app/settings.js';

const page = readFileSync(new URL('../../../docs/explanation/growth.md', import.meta.url), 'utf8');
const section = page.split('## What bounds each table')[1]?.split('\n## ')[0] ?? '';
const rows = section.split('\n').flatMap((line) => {
  const cells = line.split('|').map((cell) => cell.trim());
  const name = /^`(\w+)`$/.exec(cells[1] ?? '')?.[1];
  return name === undefined ? [] : [{ name, grows: cells[2] ?? '', goes: cells[3] ?? '' }];
});

describe('the page that says how the store grows', () => {
  it('says of every table what makes it grow and what bounds it', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...rowTables].sort());
    expect(rows.filter(({ grows, goes }) => grows === '' || goes === '')).toEqual([]);
  });

  it('names every time that something is kept for', () => {
    const named = rows.flatMap(({ goes }) => [...goes.matchAll(/`(\w+Days)`/g)].map(([, name = '']) => name));
    const settings = Object.keys(aggregatorSettingsSchema.parse({}).retention).filter((name) => name.endsWith('Days'));
    expect(named.sort()).toEqual(settings.sort());
  });
});
