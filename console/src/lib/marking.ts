import type { Marking } from './api';

/** One line, as it stands on paper: `RESTRICTED // REL TO KOR, USA // ORCON`. The caller says what an empty release list is called. */
export function markingText(marking: Marking, rel: (countries: string) => string, nobody: string): string {
  const list = marking.rel_to.length > 0 ? rel(marking.rel_to.join(', ')) : nobody;
  return [marking.level, list, ...(marking.caveats ?? [])].join(' // ');
}
