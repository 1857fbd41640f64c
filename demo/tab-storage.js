/** Outlives a reload, but not the tab. Reading the property alone throws where pages may store nothing. */
export function tabStorage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
