import { api, ApiError, type Overview, type Session } from './api';
import { live } from './live.svelte';

/** Who we are talking to and what it holds; every page reads it. */
class Node {
  session = $state.raw<Session | null>(null);
  overview = $state.raw<Overview | null>(null);
  problem = $state.raw<ApiError | null>(null);

  async start(): Promise<void> {
    this.problem = null;
    try {
      const session = await api.session();
      if (session.rights.includes('GET /api/overview')) {
        await live.start();
        await this.refresh();
      }
      this.session = session;
    } catch (error) {
      this.problem = asApiError(error);
      if (this.problem.status === 401) live.end();
    }
  }

  async refresh(): Promise<void> {
    try {
      this.overview = await api.overview();
    } catch (error) {
      if (asApiError(error).status === 401) live.end();
    }
  }

  /** Whether the roles of this session allow a route, as `POST /api/reports`. */
  may(route: string): boolean {
    return this.session?.rights.includes(route) ?? false;
  }

  isOwn(node: string): boolean {
    return this.session?.node.name === node;
  }

  async leave(): Promise<void> {
    await api.endSession().catch(() => undefined);
    live.end();
  }
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError(0, 'console::defect', error instanceof Error ? error.message : String(error));
}

export const node = new Node();
