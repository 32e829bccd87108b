export interface Row {
  name: string;
  where: string;
  what: string;
  fails: string;
}
export const FOLDER: string;
export const programs: string[];
export const rows: Row[];
export function rowsOf(page: string): Row[];
