export function List({ rows = [], title }: { rows?: string[]; title?: string }) {
  if (!rows.length) return null
  return (
    <section>
      {title && <h1>{title}</h1>}
      {rows.map(row => (row ? <p key={row}>{row.trim()}</p> : <hr />))}
      {rows.length > 3 ? <small>{rows.length}</small> : null}
    </section>
  )
}
