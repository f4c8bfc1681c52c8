import { useEffect, useState } from "preact/hooks";

const STEP_MS = 20_000;

/** Return the time, ms, kept up to date for what is told in minutes. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), STEP_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
