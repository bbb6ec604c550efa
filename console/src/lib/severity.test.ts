import { describe, expect, it } from 'vitest';

import { en } from './i18n/en';
import { beacons, PATHS, SEVERITIES } from './severity';

describe('beacons', () => {
  it('light as many as the level, each level in its own shape and colour', () => {
    const all = SEVERITIES.map((level) => beacons(level));
    expect(all.map((b) => b.lit)).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(all.map((b) => b.shape)).size).toBe(5);
    expect(new Set(all.map((b) => b.colour)).size).toBe(5);
    expect(all.map((b) => en[b.word])).toEqual(['calm', 'seen', 'approaching', 'at the border', 'attack']);
  });

  it.each([0, 6, 2.5, NaN, -1])('never light red for %s, which is no level', (level) => {
    expect(beacons(level).lit).toBe(1);
  });

  it('have a path for every shape', () => {
    for (const path of Object.values(PATHS)) expect(path).toMatch(/^M[\d .a-zA-Z-]+z$/);
  });
});
