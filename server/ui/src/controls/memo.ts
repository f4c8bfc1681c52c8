import { Component, type ComponentClass, type FunctionComponent, h } from "preact";

/** Return a component that is drawn anew only where one of its props is another: `preact/compat` would bring much more with it. */
export function memo<P extends object>(Inner: FunctionComponent<P>): ComponentClass<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return isOther(this.props as P, next);
    }

    override render() {
      return h(Inner, this.props as P);
    }
  };
}

function isOther<P extends object>(before: P, after: P): boolean {
  const names = Object.keys(after) as (keyof P)[];
  return names.length !== Object.keys(before).length || names.some((name) => !Object.is(before[name], after[name]));
}
