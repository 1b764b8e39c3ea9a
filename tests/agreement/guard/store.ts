type Entry<T> = { value: T; until?: number }

export class Store<T> {
  private entries = new Map<string, Entry<T>>()

  get(key: string, now: number = 0): T | undefined {
    const entry = this.entries.get(key)
    if (!entry) return undefined
    if (entry.until !== undefined && entry.until < now) {
      this.entries.delete(key)
      return undefined
    }
    return entry?.value
  }

  trim(most: number): number {
    let gone = 0
    for (const key of this.entries.keys()) {
      if (this.entries.size <= most) break
      do {
        gone++
      } while (this.entries.delete(key) && gone < most)
    }
    return gone
  }
}

export function isEntry(a: unknown): a is Entry<number> {
  return typeof a === "object" && a !== null && ("value" in a || "until" in a)
}
