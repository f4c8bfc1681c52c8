import { useRef, useState } from "preact/hooks";
import { Button, IconButton } from "../controls/Button";
import { ColumnPicker } from "./ColumnPicker";

/** Opens the choice of columns. */
export function ColumnsButton({ hasText }: { hasText: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const wrapper = useRef<HTMLSpanElement>(null);
  const open = { "aria-haspopup": "dialog", "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) } as const;
  return (
    <span ref={wrapper}>
      {hasText ? (
        <Button icon="columns" {...open}>
          Columns
        </Button>
      ) : (
        <IconButton icon="columns" label="Columns" {...open} />
      )}
      {isOpen && wrapper.current && <ColumnPicker anchor={wrapper.current} onClose={() => setOpen(false)} />}
    </span>
  );
}
