import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Hit {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('int')
  pid!: number;
}
