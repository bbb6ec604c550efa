import { expect, it } from 'vitest';

import { translateMade } from './made';

it.each([
  ['STARLINK-5613 passes KORSAT-1 at 0.52 km', 'KORSAT-1 – STARLINK-5613 근접 통과, 0.52 km'],
  ['KORSAT-1: 3 approaches, closest 0.52 km', 'KORSAT-1: 근접 통과 3건, 최소 0.52 km'],
  ['A, B and 2 more: 1 approach, 2 proximities', 'A, B 외 2: 근접 통과 1건, 근접 체류 2건'],
  ['29 objects against 14683 within 5 km', '보호 대상 29개와 전체 14683개, 5 km 이내'],
  ['entry 94 of 132', '전체 132 중 94번'],
])('%s', (english, korean) => {
  expect(translateMade('ko', english)).toBe(korean);
  expect(translateMade('en', english)).toBe(english);
});

it("leaves an officer's words alone", () => {
  expect(translateMade('ko', 'Downlink lost: 2 stations silent')).toBe('Downlink lost: 2 stations silent');
});
