import { formatRoute, parseRoute, withParams, type Route } from './route';

class Router {
  current = $state.raw<Route>(parseRoute(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.current = parseRoute(location.hash)));
    addEventListener('popstate', () => (this.current = parseRoute(location.hash)));
  }

  param(name: string): string | null {
    return this.current.params[name] ?? null;
  }

  go(route: Route): void {
    this.#write(route, false);
  }

  /** A step that the back button undoes, such as a selection. */
  set(changes: Record<string, string | null>): void {
    this.#write(withParams(this.current, changes), false);
  }

  /** A change that is no step of its own, such as a scrubbed time or a typed filter. */
  adjust(changes: Record<string, string | null>): void {
    this.#write(withParams(this.current, changes), true);
  }

  #write(route: Route, replace: boolean): void {
    const hash = formatRoute(route);
    if (hash === formatRoute(this.current)) return;
    if (replace) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
    this.current = route;
  }
}

export const router = new Router();
