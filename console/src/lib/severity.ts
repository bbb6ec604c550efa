import type { Severity } from './api';

/** How the five beacons are drawn: the shape of the lit ones and how many are lit say the same as the colour. */
export interface Beacons {
  level: Severity;
  lit: number;
  shape: 'dot' | 'diamond' | 'triangle' | 'square' | 'flame';
  /** CSS custom property that holds the colour. */
  colour: string;
  /** Key of the word in the dictionaries. */
  word: `severity.${Severity}`;
}

const SHAPES = { 1: 'dot', 2: 'diamond', 3: 'triangle', 4: 'square', 5: 'flame' } as const;

export const SEVERITIES: readonly Severity[] = [1, 2, 3, 4, 5];

/** Anything that is no severity is drawn as the lowest: a newer node's unknown level must not light the red one. */
export function beacons(level: number): Beacons {
  const known = SEVERITIES.find((s) => s === level) ?? 1;
  return { level: known, lit: known, shape: SHAPES[known], colour: `--severity-${known}`, word: `severity.${known}` };
}

/** Paths in a 10 by 10 box, for SVG and canvas alike. */
export const PATHS: Record<Beacons['shape'], string> = {
  dot: 'M5 2.2a2.8 2.8 0 1 1 0 5.6a2.8 2.8 0 1 1 0-5.6z',
  diamond: 'M5 .8L9.2 5L5 9.2L.8 5z',
  triangle: 'M5 .9L9.5 9H.5z',
  square: 'M1.2 1.2H8.8V8.8H1.2z',
  flame: 'M5 .2C7.6 2.7 9 4.3 9 6.1A4 3.8 0 0 1 1 6.1C1 4.3 2.4 2.7 5 .2z',
};
