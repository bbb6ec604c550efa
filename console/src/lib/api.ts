// The one place that talks to the node. The shapes follow the node's OpenAPI document (/api/openapi.json).

export type Severity = 1 | 2 | 3 | 4 | 5;
export type Confidence = 'low' | 'moderate' | 'high';
export type Likelihood =
  | 'almost_no_chance'
  | 'very_unlikely'
  | 'unlikely'
  | 'roughly_even_chance'
  | 'likely'
  | 'very_likely'
  | 'almost_certain';

export interface Marking {
  level: string;
  rel_to: string[];
  caveats?: string[];
  originator: string;
}
export interface Owner {
  node: string;
  country: string;
}
export interface ObjectRef {
  id: string;
  name?: string | null;
  protected?: boolean;
}
export interface Place {
  latitude_deg: number;
  longitude_deg: number;
  altitude_km?: number | null;
  radius_km?: number | null;
}
export interface Page<T> {
  items: T[];
  next: string | null;
}
export interface Session {
  node: { name: string; title: string; country: string; key: string; version: string };
  officer: string;
  account: string | null;
  way: Way;
  roles: Role[];
  /** What the roles allow, as `POST /api/reports`. */
  rights: string[];
  /** What the account may read; null: everything that the roles allow. */
  clearance: Clearance | null;
  /** Whether recalls, introductions, grants and policies must be approved by a passkey. */
  approves: boolean;
  awaits_administrator: boolean;
  /** The name under which passkeys of this node work. */
  origin: string;
  now: string;
}
export interface Clearance {
  level: string;
  categories?: string[];
  countries?: string[];
}
export type Role = 'observer' | 'analyst' | 'release-officer' | 'key-holder' | 'administrator';
export const ROLES: readonly Role[] = ['observer', 'analyst', 'release-officer', 'key-holder', 'administrator'];
export type Way = 'passkey' | 'oidc' | 'enrolment' | 'bootstrap' | 'break_glass' | 'operator' | 'unknown';
export interface Account {
  name: string;
  title: string;
  roles: Role[];
  clearance: Clearance | null;
  added: string;
  passkeys: number;
  oidc_subject: string | null;
  entered: boolean;
}
export interface OwnAccount extends Account {
  keys: { id: string; title: string; added: string }[];
  passkey_problem: string | null;
}
export interface AccountLink extends Account {
  /** One-time address for its person. */
  enter: string | null;
}
export interface AccountDraft {
  name: string;
  title: string | null;
  roles: Role[];
  oidc_subject: string | null;
}
export interface Act {
  entry: string;
  kind: string;
  by: string | null;
  way: Way;
  at: string;
  account: string | null;
  roles: Role[] | null;
  clearance: Clearance | null;
  detail: string | null;
  approved: boolean;
  suppressed: number;
}
export interface Ceremony {
  ceremony: string;
  text: string | null;
  options: { publicKey: unknown };
}
/** What the authenticator answered; its own JSON form is what the node reads. */
export interface Proof {
  ceremony: string;
  credential: Credential;
}
export interface Overview {
  severity: Severity;
  incidents: number;
  findings: number;
  observations: number;
  objects: number;
  protected: number;
  log: { size: number; root: string; checkpoint_size: number };
  peers: number;
  jobs_running: number;
  catalogue: { entry: string; title: string; epoch_min: string | null; epoch_max: string | null; received: string } | null;
  screened: { start: string; end: string } | null;
}
export interface IncidentSummary {
  id: string;
  title: string;
  severity: Severity;
  start: string;
  end: string;
  objects: ObjectRef[];
  findings: number;
  marking: Marking;
  owner: Owner;
  committed: string;
  received: string | null;
  recalled: boolean;
  /** The incident that replaces it. */
  superseded_by: string | null;
}
export interface Evidence {
  id: string;
  held: boolean;
  kind: string | null;
  title: string | null;
  blob: string | null;
  bytes: number | null;
  blob_held: boolean;
  source: { name: string; reliability: string; credibility: number } | null;
  received: string | null;
}
export interface FindingView {
  id: string;
  kind: string;
  title: string;
  text: string | null;
  start: string;
  end: string;
  place: Place | null;
  objects: ObjectRef[];
  severity: Severity;
  likelihood: Likelihood | null;
  confidence: Confidence;
  method: { name: string; version: string };
  measures: Record<string, number>;
  marking: Marking;
  owner: Owner;
  committed: string;
  received: string | null;
  recalled: boolean;
  /** The open incident that holds it. */
  incident: string | null;
  evidence: Evidence[];
}
export interface TimelineItem {
  time: string;
  kind: string;
  title: string;
  entry: string;
}
export interface IncidentView extends IncidentSummary {
  timeline: TimelineItem[];
  items: FindingView[];
}
export interface EntryView {
  id: string;
  seq: number;
  kind: string;
  author: Owner & { key: string };
  time: string;
  marking: Marking | null;
  evidence: string[];
  body: unknown;
  envelope: unknown;
  /** Null for who does not read the whole log. */
  proof: { size: number; index: number; hashes: string[]; checkpoint: string } | null;
}
export interface Check {
  check: string;
  ok: boolean;
  detail: string;
}
export interface Verdict {
  ok: boolean;
  checks: Check[];
}
export interface Receipt {
  entry: string;
  faults: Fault[];
}
export interface Fault {
  code: string;
  level: 'warning' | 'error';
  message: string;
  source?: string | null;
  line?: number | null;
  field?: string | null;
  byte_start?: number | null;
  byte_end?: number | null;
}
export interface ReportDraft {
  title: string;
  text: string | null;
  severity: Severity;
  confidence: Confidence;
  likelihood: Likelihood | null;
  objects: { id: string; name?: string }[];
  place: { latitude_deg: number; longitude_deg: number } | null;
  marking: Marking;
  start: string | null;
  end: string | null;
  precedence: Precedence | null;
}
export type Precedence = 'flash' | 'immediate' | 'priority' | 'routine';
export type LinkState = 'up' | 'down' | 'refused' | 'never';
export interface PeerView {
  name: string;
  title: string;
  country: string;
  clearance: string;
  key: string;
  state: LinkState;
  since: string | null;
  detail: string | null;
  log_size: number;
  acked: number;
  queued: number;
  received: number;
  last_ack: string | null;
  shared: number;
  withheld: number;
  recalled: number;
  refusals: number;
  held_bytes: number;
  allowed_bytes: number;
  paused_milliseconds: number;
  unconfirmed: boolean;
  frauds: { entry: string; title: string; kind: string; origin: string; at: string }[];
}
/** A question whether an item may go on to another, and its answer. */
export interface ReleaseRequest {
  id: string;
  target: string;
  from: string;
  audience: string;
  audience_country: string;
  reason: string;
  state: 'open' | 'granted' | 'refused' | 'expired';
  answer: string | null;
  expires: string | null;
}
export interface SharedItem {
  id: string;
  kind: string;
  title: string;
  seq: number;
  state: 'queued' | 'acknowledged' | 'recalled';
  time: string;
}
export interface WithheldItem {
  id: string;
  kind: string;
  title: string;
  rule: string;
  path: string;
  time: string;
}
export interface WithheldPage extends Page<WithheldItem> {
  rules: { rule: string; count: number }[];
}
export interface Hit {
  id: string;
  kind: string;
  noun: string;
  title: string;
  owner: Owner;
  committed: string;
}
export interface SearchPage extends Page<Hit> {
  complete?: boolean;
}
export interface ReleaseVerdict {
  verdict: 'released' | 'withheld' | 'no_matter';
  rule: string | null;
  path: string | null;
  cause: string | null;
}
/** Why an entry goes to a peer, or why not: as it was decided, and by the rules of today. */
export interface ReleaseView {
  decided: ReleaseVerdict;
  now: ReleaseVerdict;
}
export interface Card {
  schema: string;
  node: string;
  title: string;
  country: string;
  key: string;
  certificate: string;
  address: string;
}
export interface Policy {
  entry: string;
  kind: 'policy' | 'codes';
  name: string;
  version: number;
  /** The name that a table of codes has of itself. */
  table?: string;
  author: string;
  text: string;
  sha256: string;
  proposed: string;
  effective_from: string;
  signed_by: string[];
  applied: string | null;
  in_force: boolean;
  stale: boolean;
}
/** What a dry run tries: a text, or a proposal by its entry. */
export type PolicyTrial = { text: string } | { proposal: string };
export type DryRunLine =
  | { kind: 'begin' }
  | {
      kind: 'change';
      peer: string;
      change: 'newly_released' | 'newly_held';
      entry: string;
      entry_kind: string;
      title: string;
      time: string;
      shared: boolean;
      rule: string;
      path: string;
    }
  | { kind: 'count'; peer: string; considered: number; unchanged: number; newly_released: number; newly_held: number }
  | { kind: 'end'; changes: number };
export interface Job {
  id: number;
  kind: string;
  title: string;
  state: 'running' | 'done' | 'failed';
  done: number;
  total: number;
  started: string;
  ended: string | null;
  message: string | null;
}
export interface ScreenOrder {
  hours: number;
  within_km: number;
  from: string | null;
  protected: string[] | null;
}
export interface Feed {
  id: string;
  title: string;
  kind: string;
  received: string;
  bytes: number;
  items: number;
  faults: number;
  entry: string;
  owner: Owner;
}
export interface Catalogue {
  entry: string;
  items: { norad_id: number; name: string | null; protected: boolean }[];
}
export interface RecordVerdict {
  ok: boolean;
  entries: number;
  /** The first damage and all of it, in words. */
  first: string | null;
  faults: string[];
}

/** What went wrong, with the node's stable code, or `console::offline` / `console::bad_answer` when no node answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 20_000;
/** Verifying a whole record and screening large catalogues may take minutes. */
const LONG_TIMEOUT_MS = 15 * 60_000;

async function request(path: string, init: RequestInit, timeout: number): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      ...init,
      credentials: 'same-origin',
      signal: init.signal ?? AbortSignal.timeout(timeout),
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'console::offline', error instanceof Error ? error.message : String(error));
  }
  if (response.ok) return response;
  let code = `http::${response.status}`;
  let message = response.statusText || String(response.status);
  let hint: string | null = null;
  try {
    const body = (await response.json()) as { code?: string; message?: string; hint?: string };
    code = body.code ?? code;
    message = body.message ?? message;
    hint = body.hint ?? null;
  } catch {
    // Not every refusal comes from the node itself: a proxy answers with a page, and the status says enough.
  }
  throw new ApiError(response.status, code, message, hint);
}

/** Lines of JSON as they come; what the node sends is never held whole. */
async function* lines<T>(response: Response): AsyncGenerator<T> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (rest + value).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part !== '') yield JSON.parse(part) as T;
  }
}

async function json<T>(path: string, init: RequestInit = {}, timeout = TIMEOUT_MS): Promise<T> {
  const response = await request(path, init, timeout);
  const body: unknown = await response.json().catch(() => null);
  if (typeof body !== 'object' || body === null || !('schema' in body)) {
    throw new ApiError(response.status, 'console::bad_answer', `no document with a schema at ${path}`);
  }
  return body as T;
}

function post<T>(path: string, body: BodyInit | null, type: string, timeout?: number): Promise<T> {
  return json<T>(path, { method: 'POST', headers: { 'X-Bongsu': '1', 'Content-Type': type }, body }, timeout);
}

const postJson = <T>(path: string, body: unknown, timeout?: number): Promise<T> =>
  post<T>(path, JSON.stringify(body), 'application/json', timeout);

function query(values: Record<string, string | number | null | undefined>): string {
  const parts = Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}

const id = encodeURIComponent;

const done = (path: string, body: unknown): Promise<Response> =>
  request(path, { method: 'POST', headers: { 'X-Bongsu': '1', 'Content-Type': 'application/json' }, body: JSON.stringify(body) }, TIMEOUT_MS);

export const api = {
  session: () => json<Session>('/api/session'),
  endSession: () => request('/api/session/end', { method: 'POST', headers: { 'X-Bongsu': '1' } }, TIMEOUT_MS),
  overview: () => json<Overview>('/api/overview'),
  incidents: (cursor: string | null = null, limit = 100) =>
    json<Page<IncidentSummary>>(`/api/incidents${query({ cursor, limit })}`),
  incident: (entry: string) => json<IncidentView>(`/api/incidents/${id(entry)}`),
  findings: (kind: string | null = null, cursor: string | null = null, limit = 200) =>
    json<Page<FindingView>>(`/api/findings${query({ kind, cursor, limit })}`),
  finding: (entry: string) => json<FindingView>(`/api/findings/${id(entry)}`),
  entry: (entry: string) => json<EntryView>(`/api/entries/${id(entry)}`),
  verify: (entry: string) => postJson<Verdict>(`/api/entries/${id(entry)}/verify`, {}),
  moveSession: () => postJson<{ enter: string }>('/api/session/move', {}),
  account: () => json<OwnAccount>('/api/account'),
  startPasskey: (title: string) => postJson<Ceremony>('/api/account/passkeys/start', { title }),
  finishPasskey: (proof: Proof) => done('/api/account/passkeys/finish', proof),
  removePasskey: (key: string) => done(`/api/account/passkeys/${id(key)}/remove`, {}),
  accounts: (cursor: string | null = null) => json<Page<Account>>(`/api/accounts${query({ cursor, limit: 100 })}`),
  addAccount: (draft: AccountDraft) => postJson<AccountLink>('/api/accounts', draft),
  setRoles: (name: string, roles: Role[]) => postJson<AccountLink>(`/api/accounts/${id(name)}/roles`, { roles }),
  removeAccount: (name: string) => postJson<AccountLink>(`/api/accounts/${id(name)}/remove`, {}),
  linkAccount: (name: string) => postJson<AccountLink>(`/api/accounts/${id(name)}/link`, {}),
  acts: (cursor: string | null = null) => json<Page<Act>>(`/api/acts${query({ cursor, limit: 50 })}`),
  startApproval: (act: object) => postJson<Ceremony>('/api/approvals', act),
  recall: (entry: string, reason: string, approval: Proof | null = null) =>
    postJson<Receipt>(`/api/entries/${id(entry)}/recall`, approval ? { reason, approval } : { reason }),
  report: (draft: ReportDraft) => postJson<Receipt>('/api/reports', draft),
  setClearance: (name: string, clearance: Clearance | null) =>
    postJson<AccountLink>(`/api/accounts/${id(name)}/clearance`, { clearance }),
  search: (q: string, as: string | null) => json<SearchPage>(`/api/search${query({ q, as, limit: 100 })}`),
  /** What a peer has of findings, as hits. */
  async findingsAs(as: string): Promise<SearchPage> {
    const page = await json<Page<FindingView>>(`/api/findings${query({ as, limit: 100 })}`);
    const items = page.items.map(({ id, kind, title, owner, committed }) => ({ id, kind, title, owner, committed, noun: 'finding' }));
    return { items, next: page.next };
  },
  release: (entry: string, peer: string) => json<ReleaseView>(`/api/entries/${id(entry)}/release${query({ peer })}`),
  introduce: (card: Card, clearance: string, approval: Proof | null) =>
    postJson<Receipt>('/api/peers', approval ? { card, clearance, approval } : { card, clearance }),
  releaseRequests: (cursor: string | null = null) => json<Page<ReleaseRequest>>(`/api/release-requests${query({ cursor, limit: 50 })}`),
  answerRequest: (request: string, granted: boolean, hours: number, approval: Proof | null) =>
    postJson<Receipt>(`/api/release-requests/${id(request)}/answer`, approval ? { granted, hours, approval } : { granted, hours }),
  policies: (cursor: string | null = null) => json<Page<Policy>>(`/api/policy${query({ cursor, limit: 50 })}`),
  propose: (name: string, text: string) => postJson<Policy>('/api/policy', { name, text }),
  signPolicy: (entry: string, sha256: string, approval: Proof | null) =>
    postJson<Policy>(`/api/policy/${id(entry)}/sign`, approval ? { sha256, approval } : { sha256 }),
  applyPolicy: (entry: string) => postJson<Policy>(`/api/policy/${id(entry)}/apply`, {}),
  async *dryRun(trial: PolicyTrial, signal: AbortSignal): AsyncGenerator<DryRunLine> {
    const headers = { 'X-Bongsu': '1', 'Content-Type': 'application/json' };
    const body = JSON.stringify({ ...trial, days: 90 });
    yield* lines<DryRunLine>(await request('/api/policy/dry-run', { method: 'POST', headers, body, signal }, LONG_TIMEOUT_MS));
  },
  peers: () => json<Page<PeerView>>('/api/peers'),
  shared: (peer: string, cursor: string | null = null, limit = 100) =>
    json<Page<SharedItem>>(`/api/peers/${id(peer)}/shared${query({ cursor, limit })}`),
  withheld: (peer: string, cursor: string | null = null, limit = 100) =>
    json<WithheldPage>(`/api/peers/${id(peer)}/withheld${query({ cursor, limit })}`),
  jobs: () => json<Page<Job>>('/api/jobs'),
  screen: (order: ScreenOrder) => postJson<Job>('/api/jobs/screen', order),
  feeds: () => json<Page<Feed>>('/api/feeds'),
  upload: (kind: string, title: string, bytes: Blob) =>
    post<Receipt>(
      `/api/feeds/${id(kind)}${query({ title })}`,
      bytes,
      'application/octet-stream',
      LONG_TIMEOUT_MS,
    ),
  catalogue: () => json<Catalogue>('/api/catalogue'),
  verifyRecord: () => postJson<RecordVerdict>('/api/record/verify', {}, LONG_TIMEOUT_MS),
  async states(at: string, signal?: AbortSignal): Promise<ArrayBuffer> {
    const init: RequestInit = signal ? { signal } : {};
    return (await request(`/api/catalogue/states${query({ at })}`, init, TIMEOUT_MS)).arrayBuffer();
  },
};
