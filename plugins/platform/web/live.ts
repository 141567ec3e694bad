import { useEffect, useRef, useState } from 'preact/hooks';

/** An event of the server, by its name. */
export interface Live {
  readonly event: string;
  readonly data: unknown;
}

/**
 * Listens to a stream of the server, of the named events. It is closed while the page is hidden, for browsers open few
 * connections to a server, and goes on from the last event after that. Returns whether it is connected.
 */
export function useEvents<E extends Live>(
  path: string | undefined,
  names: readonly E['event'][],
  heard: (event: E) => void,
  resumed?: () => void,
): boolean {
  const [connected, setConnected] = useState(false);
  const latest = useRef({ heard, resumed });
  latest.current = { heard, resumed };
  useEffect(() => {
    if (path === undefined) return;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let seen: number | undefined;
    let opened = false;
    const open = () => {
      clearTimeout(timer);
      const own = new EventSource(seen === undefined ? path : `${path}?after=${seen}`);
      source = own;
      own.onopen = () => {
        setConnected(true);
        if (opened) latest.current.resumed?.();
        opened = true;
      };
      own.onerror = () => {
        setConnected(false);
        // a stream that was refused is not tried again by the browser
        if (own.readyState === EventSource.CLOSED && source === own) timer = setTimeout(open, 5000);
      };
      for (const event of names)
        own.addEventListener(event, message => {
          const { lastEventId, data } = message as MessageEvent<string>;
          const seq = lastEventId === '' ? undefined : Number(lastEventId);
          if (seq !== undefined && seen !== undefined && seq <= seen) return;
          seen = seq ?? seen;
          latest.current.heard({ event, data: JSON.parse(data) as unknown } as E);
        });
    };
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = undefined;
      setConnected(false);
    };
    const look = () => {
      if (document.hidden) close();
      else if (!source) open();
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      close();
    };
  }, [path, names.join()]);
  return connected;
}
