import { useRef, useState } from "preact/hooks";
import { sentence } from "../api/client";
import { IconButton } from "../controls/Button";
import { copy, tell } from "../controls/clipboard";
import { Popup } from "../controls/Popup";
import { noteAnswer } from "../state/live";
import { shareableUrl, urlWithToken } from "../state/share";

/** What can be handed on of what is seen: a link that lets in, or the address alone. */
export function ShareMenu() {
  const wrapper = useRef<HTMLSpanElement>(null);
  const [isOpen, setOpen] = useState(false);
  const hand = (make: () => Promise<string>, what: string) => () => {
    setOpen(false);
    make().then(
      (url) => copy(url, what),
      (error: unknown) => {
        noteAnswer(error);
        tell(`${what} not made: ${sentence(error)}`);
      },
    );
  };
  return (
    <span ref={wrapper}>
      <IconButton
        icon="link"
        label="Share what you see"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      />
      {isOpen && (
        <Popup
          anchor={wrapper.current}
          label="Share what you see"
          role="menu"
          className="menu share-menu"
          align="right"
          onClose={() => setOpen(false)}
        >
          <button type="button" class="menu-item" role="menuitem" onClick={hand(urlWithToken, "Link")}>
            <b>Copy link</b>
            <span class="share-note">
              Lets whoever has it into all projects here, until the server ends; that browser then stays in. {reach()}
            </span>
          </button>
          <button type="button" class="menu-item" role="menuitem" onClick={hand(shareableUrl, "Address")}>
            Copy address
            <span class="share-note">
              The same view, without a token: for notes, and for browsers that are in already.
            </span>
          </button>
        </Popup>
      )}
    </span>
  );
}

/** Return from where a link can be opened. */
function reach(): string {
  const isLoopback = /^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);
  return isLoopback
    ? "It works on this machine, and where its port is forwarded to."
    : `It works wherever ${location.hostname} can be reached.`;
}
