export { Button, type ButtonProps, IconButton, type IconButtonProps } from './button.tsx';
export { Chip, Dot, Empty, type EmptyProps, Notice, type NoticeProps, type Tone } from './chip.tsx';
export { Confirm, type ConfirmProps, Dialog, type DialogProps } from './dialog.tsx';
export {
  Choice,
  type ChoiceProps,
  Field,
  type FieldControl,
  SelectField,
  type SelectFieldProps,
  TextField,
  type TextFieldProps,
  Toggle,
  type ToggleProps,
} from './field.tsx';
export { type Hotkey, useHotkeys } from './hotkeys.ts';
export { Icon, type IconName } from './icons.tsx';
export {
  Menu,
  type MenuItem,
  type MenuProps,
  type Opener,
  Popover,
  type PopoverProps,
  SEARCH_FROM,
} from './popover.tsx';
export { type Column, Table, type TableProps } from './table.tsx';
export { Tabs, type TabsProps } from './tabs.tsx';
export { Time, type TimeProps, useNow } from './time.tsx';
export { toast } from './toast.tsx';
