// The whole view state lives in the URL's fragment, so that a link, a reload and the back button all show the same page:
// #/watch?t=2026-03-10T12:00:00Z&a=<finding>, #/incident/<entry>?tab=timeline, #/sharing/<peer>?tab=withheld, #/record?tab=feeds

export const PAGES = ['watch', 'incident', 'finding', 'search', 'sharing', 'policy', 'record', 'account'] as const;
export type PageName = (typeof PAGES)[number];

export interface Route {
  page: PageName;
  /** What the page is about: an entry id or a peer's name. */
  id: string | null;
  params: Record<string, string>;
}

const NEEDS_ID: readonly PageName[] = ['incident', 'finding'];
const TAKES_ID: readonly PageName[] = ['incident', 'finding', 'sharing'];

/** Never fails: what is no page of ours is the watch page. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [first = '', rawId = ''] = path.split('/');
  const page = PAGES.find((name) => name === first) ?? 'watch';
  const id = TAKES_ID.includes(page) && rawId !== '' ? safeDecode(rawId) : null;
  if (NEEDS_ID.includes(page) && id === null) return { page: 'watch', id: null, params: {} };
  const params: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(search)) if (value !== '') params[name] = value;
  return { page, id, params };
}

export function formatRoute(route: Route): string {
  const path = route.id === null ? route.page : `${route.page}/${encodeURIComponent(route.id)}`;
  const search = Object.keys(route.params)
    .sort()
    .filter((name) => route.params[name] !== '')
    // A colon may stand in a fragment as it is; times stay readable.
    .map((name) => `${name}=${encodeURIComponent(route.params[name] ?? '').replaceAll('%3A', ':')}`)
    .join('&');
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}

/** The same page with some parameters changed; null or '' removes one. */
export function withParams(route: Route, changes: Record<string, string | null>): Route {
  const params = { ...route.params };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') delete params[name];
    else params[name] = value;
  }
  return { ...route, params };
}

export function link(page: PageName, id: string | null = null, params: Record<string, string> = {}): string {
  return formatRoute({ page, id, params });
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
