import type { Clearance } from './api';
import { t } from './i18n/i18n.svelte';

/** A clearance in one line, for who reads under it. */
export function cleared(clearance: Clearance): string {
  const categories = clearance.categories?.join(', ') || t('clearance.no_categories');
  const countries = clearance.countries ?? [];
  const guest = countries.length > 0 ? ` ${t('clearance.guest', { countries: countries.join(', ') })}` : '';
  return `${t('clearance.reads', { level: clearance.level, categories })}${guest}`;
}
