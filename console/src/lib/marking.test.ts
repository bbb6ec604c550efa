import { expect, it } from 'vitest';

import { markingText } from './marking';

const text = (rel_to: string[], caveats?: string[]): string =>
  markingText(
    { level: 'RESTRICTED', rel_to, originator: 'KOR', ...(caveats ? { caveats } : {}) },
    (countries) => `REL TO ${countries}`,
    'released to nobody',
  );

it('writes a marking on one line and never leaves an empty list unsaid', () => {
  expect(text(['KOR', 'USA'], ['ORCON'])).toBe('RESTRICTED // REL TO KOR, USA // ORCON');
  expect(text([])).toBe('RESTRICTED // released to nobody');
});
