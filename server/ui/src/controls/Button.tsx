import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons";

/** Props of `IconButton`. */
export type IconButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "icon"> & {
  icon: IconName;
  label: string;
  isPressed?: boolean;
  isSmall?: boolean;
};

/** A button that shows an icon alone; its name is told. */
export function IconButton({ icon, label, isPressed, isSmall, ...rest }: IconButtonProps) {
  return (
    <button
      {...rest}
      type="button"
      class={isSmall ? "icon-button small" : "icon-button"}
      aria-label={label}
      title={label}
      aria-pressed={isPressed}
    >
      <Icon name={icon} size={isSmall ? 14 : 16} />
    </button>
  );
}

/** Props of `Button`. */
export type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  kind?: "plain" | "primary" | "quiet";
  icon?: IconName;
  children: ComponentChildren;
};

/** A button with a text. */
export function Button({ kind = "plain", icon, children, ...rest }: ButtonProps) {
  return (
    <button {...rest} type="button" class={kind === "plain" ? "button" : `button ${kind}`}>
      {icon && <Icon name={icon} size={14} />}
      {children}
    </button>
  );
}
