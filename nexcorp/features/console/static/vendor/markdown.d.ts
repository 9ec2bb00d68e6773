/** What the console uses of marked and DOMPurify. */

export interface MarkedOptions {
  async?: boolean;
  breaks?: boolean;
  gfm?: boolean;
  // deno-lint-ignore no-explicit-any
  renderer?: Record<string, any>;
}
export const marked: {
  parse(text: string, options?: MarkedOptions): string;
  parseInline(text: string, options?: MarkedOptions): string;
};
export class Marked {
  constructor(...options: MarkedOptions[]);
  parse(text: string, options?: MarkedOptions): string;
  parseInline(text: string, options?: MarkedOptions): string;
  use(...options: MarkedOptions[]): this;
}

export interface PurifyOptions {
  ALLOWED_TAGS?: string[];
  ALLOWED_ATTR?: string[];
  ALLOWED_URI_REGEXP?: RegExp;
  FORBID_TAGS?: string[];
  FORBID_ATTR?: string[];
  ADD_ATTR?: string[];
  USE_PROFILES?: { html?: boolean; svg?: boolean } | false;
}
export const DOMPurify: {
  /** Text without script; what it returns with Trusted Types is of the policy `dompurify`. */
  sanitize(html: string, options: PurifyOptions & { RETURN_DOM_FRAGMENT: true }): DocumentFragment;
  sanitize(html: string, options?: PurifyOptions & { RETURN_TRUSTED_TYPE?: boolean }): string;
  addHook(
    name: "uponSanitizeElement" | "uponSanitizeAttribute" | "afterSanitizeAttributes",
    // deno-lint-ignore no-explicit-any
    run: (node: Element, data: any) => void,
  ): void;
};
